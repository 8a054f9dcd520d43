// Checks a leaderboard page in a real browser: node rank.mjs PAGE.html SCREENSHOT_FOLDER
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { axeViolations, checkOverflow, Checks, checkStructure, launch, openPage, views } from './browser.mjs';

const [pagePath, shots] = process.argv.slice(2);
if (!pagePath || !shots) {
  console.error('usage: node rank.mjs PAGE.html SCREENSHOT_FOLDER');
  process.exit(2);
}
const address = pathToFileURL(resolve(pagePath)).href;
mkdirSync(shots, { recursive: true });
const checks = new Checks();

/** Whisker ends as drawn against the interval they carry, on the axis of the outermost grid lines. */
async function checkWhiskers(page, where) {
  const worst = await page.evaluate(() => {
    let error = 0;
    let count = 0;
    const numberIn = (text) => Number(text.textContent.replace('\u2212', '-'));
    for (const table of document.querySelectorAll('.ranks')) {
      const labels = [...table.querySelectorAll('thead svg text')].map(numberIn);
      for (const whisker of table.querySelectorAll('tbody svg .w')) {
        const svg = whisker.closest('svg');
        const grid = [...svg.querySelectorAll('.grid')].map((line) => line.getBoundingClientRect().x);
        const scale = (grid.at(-1) - grid[0]) / (labels.at(-1) - labels[0]);
        count += 1;
        if (whisker.dataset.low === undefined) continue;
        const caps = [...whisker.querySelectorAll('.cap')].map((line) => line.getBoundingClientRect().x);
        [whisker.dataset.low, whisker.dataset.high].forEach((value, i) => {
          error = Math.max(error, Math.abs(caps[i] - grid[0] - (Number(value) - labels[0]) * scale));
        });
      }
    }
    return { error, count };
  });
  checks.that(worst.count > 0, `${where}: no whiskers in the leaderboard`);
  checks.that(worst.error <= 1, `${where}: a whisker end is ${worst.error.toFixed(2)} px off`);
}

/** Points of the calibration plot stand where their tooltips say, within a rounded percent. */
async function checkCalibration(page, where) {
  const worst = await page.evaluate(() => {
    let error = 0;
    const svg = document.querySelector('[aria-labelledby=fig-calibration-t]');
    if (!svg) return 0; // this page has none
    const diagonal = svg.querySelector('.reference').getBoundingClientRect();
    for (const point of svg.querySelectorAll('.point')) {
      const [predicted, observed] = point.querySelector('title').textContent.match(/\d+(\.\d+)?(?=%)/g);
      const box = point.querySelector('circle').getBoundingClientRect();
      const x = ((box.left + box.right) / 2 - diagonal.left) / diagonal.width;
      const y = (diagonal.bottom - (box.top + box.bottom) / 2) / diagonal.height;
      error = Math.max(error, Math.abs(100 * x - predicted), Math.abs(100 * y - observed));
    }
    return error;
  });
  checks.that(worst <= 1, `${where}: a calibration point is ${worst.toFixed(2)} percent off`);
}

/** The head of the first column stays beside its rows when the table is scrolled sideways. */
async function checkSticky(page, where) {
  const shift = await page.evaluate(() => {
    const box = document.querySelector('.ranks').parentElement;
    box.scrollLeft = 1e6;
    const left = (element) => element.getBoundingClientRect().left - box.getBoundingClientRect().left;
    const cells = [box.querySelector('thead .model'), box.querySelector('tbody .model')].map(left);
    const scrolled = box.scrollLeft;
    box.scrollLeft = 0;
    return { cells, scrolled };
  });
  if (shift.scrolled < 100) return; // everything fits
  for (const left of shift.cells) {
    checks.that(Math.abs(left) <= 2, `${where}: the column of models scrolls away (${left.toFixed(0)} px)`);
  }
}

/** Buttons sort by their column, both ways, and say so. */
async function checkSorting(page, where) {
  const votes = () => page.$$eval('#leaderboard tbody tr', (rows) => rows.map((row) =>
    Number([...row.cells].find((cell, i) => i > 2 && cell.classList.contains('num')).textContent
      .replaceAll(',', ''))));
  const head = page.locator('#leaderboard th', { hasText: 'Votes' });
  const before = await votes();
  if (before.length < 2) return;
  const press = async () => {
    await head.locator('button').focus();
    await page.keyboard.press('Enter');
  };
  await press();
  checks.that(await head.getAttribute('aria-sort') === 'descending', `${where}: not sorted downwards`);
  checks.that(`${await votes()}` === `${[...before].sort((a, b) => b - a)}`, `${where}: votes are out of order`);
  await press();
  checks.that(await head.getAttribute('aria-sort') === 'ascending', `${where}: not sorted upwards`);
  checks.that(await page.locator('#leaderboard [aria-sort]').count() === 1, `${where}: two columns are sorted`);
  await page.locator('#leaderboard th.rank button').click();
  checks.that(await page.locator('#leaderboard th.rank').getAttribute('aria-sort') === 'ascending',
    `${where}: ranks do not start at the best`);
}

async function checkSearch(page, where) {
  const input = page.locator('.find input').first();
  if (await input.count() === 0) return;
  const all = await page.locator('#leaderboard tbody tr:visible').count();
  await input.fill('TERN');
  const some = await page.locator('#leaderboard tbody tr:visible').count();
  checks.that(some > 0 && some < all, `${where}: a search shows ${some} of ${all} models`);
  await input.fill('');
  checks.that(await page.locator('#leaderboard tbody tr:visible').count() === all, `${where}: models stay hidden`);
}

/** The switch between the maps, and the words below them. */
async function checkMaps(page, where) {
  if (await page.locator('#pairs').count() === 0) return;
  const shown = async () => [await page.locator('div.observed').isVisible(),
    await page.locator('div.predicted').isVisible()].join();
  checks.that(await shown() === 'true,false', `${where}: not the observed map alone`);
  const cell = page.locator('div.observed .heat g[class^=q]').first();
  await cell.click();
  checks.that(await page.locator('div.observed .readout').textContent() ===
    await cell.locator('title').textContent(), `${where}: a tapped cell is not read out`);
  await page.locator('label[for=show-predicted]').click();
  checks.that(await shown() === 'false,true', `${where}: not the predicted map alone`);
  await page.locator('label[for=show-observed]').click();
}

/** Without its script the page has no dead controls and shows the same rows. */
async function checkWithoutScript(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(address);
  checks.that(await page.locator('button,.find,.readout').count() === 0, 'no script: there are dead controls');
  checks.that(await page.locator('main section').count() >= 3, 'no script: sections are missing');
  await context.close();
}

const browser = await launch();
try {
  for (const view of views) {
    const page = await openPage(browser, checks, address, view);
    await checkOverflow(page, checks, view.name);
    await checkStructure(page, checks, view.name, 1);
    await checkWhiskers(page, view.name);
    await checkCalibration(page, view.name);
    await checkSticky(page, view.name);
    await page.screenshot({ path: `${shots}/${view.name}.png` });
    await page.screenshot({ path: `${shots}/${view.name}-full.png`, fullPage: true });
    await checkSorting(page, view.name);
    await checkSearch(page, view.name);
    await checkMaps(page, view.name);
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details.twin')) details.open = true;
    });
    await checkOverflow(page, checks, `${view.name}, opened`);
    await checkStructure(page, checks, `${view.name}, opened`, 1);
    // axe's time grows faster than the number of elements: repeats of what is checked anyway go.
    await page.evaluate(() => {
      for (const repeat of document.querySelectorAll(
        'tbody tr:nth-child(n+12),.heat g:nth-of-type(n+40),foreignObject:nth-of-type(n+8)')) {
        repeat.remove();
      }
    });
    for (const violation of await axeViolations(page)) {
      checks.that(false, `${view.name}: axe ${violation}`);
    }
    await page.context().close();
  }
  await checkWithoutScript(browser);
} finally {
  await browser.close();
}
process.exit(checks.finish());
