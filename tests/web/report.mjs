// Checks an evaluation report in a real browser: node report.mjs REPORT.html SCREENSHOT_FOLDER
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { axeViolations, checkOverflow, Checks, checkStructure, launch, openPage, views } from './browser.mjs';

const [reportPath, shots] = process.argv.slice(2);
if (!reportPath || !shots) {
  console.error('usage: node report.mjs REPORT.html SCREENSHOT_FOLDER');
  process.exit(2);
}
const address = pathToFileURL(resolve(reportPath)).href;
mkdirSync(shots, { recursive: true });

const checks = new Checks();

/** Whisker ends as drawn against the interval they carry, on the axis of the outermost grid lines. */
async function checkWhiskers(page, where) {
  const worst = await page.evaluate(() => {
    let error = 0;
    let count = 0;
    for (const svg of document.querySelectorAll('.board tbody svg')) {
      if (!svg.checkVisibility()) continue;
      const labels = [...document.querySelectorAll('.board thead svg text')]
        .map((text) => Number(text.textContent.replace('\u2212', '-')));
      const grid = [...svg.querySelectorAll('.grid')].map((line) => line.getBoundingClientRect().x);
      const scale = (grid.at(-1) - grid[0]) / (labels.at(-1) - labels[0]);
      for (const whisker of svg.querySelectorAll('.w')) {
        count += 1;
        if (whisker.dataset.low === undefined) continue; // a single question has no interval
        const caps = [...whisker.querySelectorAll('.cap')].map((line) => line.getBoundingClientRect().x);
        const want = [whisker.dataset.low, whisker.dataset.high]
          .map((value) => grid[0] + (Number(value) - labels[0]) * scale);
        error = Math.max(error, Math.abs(caps[0] - want[0]), Math.abs(caps[1] - want[1]));
      }
    }
    return { error, count };
  });
  checks.that(worst.count > 0, `${where}: no whiskers in the leaderboard`);
  checks.that(worst.error <= 1, `${where}: a whisker end is ${worst.error.toFixed(2)} px off`);
}

/** Each tick label stands over its line, and the leaderboard's outer ones within the table. */
async function checkTicks(page, where) {
  const found = await page.evaluate(() => {
    const middle = (element) => {
      const box = element.getBoundingClientRect();
      return (box.left + box.right) / 2;
    };
    const ticks = (svg) => [...svg.querySelectorAll('text.tick')];
    const lines = (svg) => [...svg.querySelectorAll('.grid')];
    const pairs = [...document.querySelectorAll('#differences svg.fig')].map((svg) => [svg, svg]);
    const head = document.querySelector('.board thead svg');
    pairs.push([head, document.querySelector('.board tbody svg')]);
    let error = 0;
    for (const [labelled, ruled] of pairs) {
      ticks(labelled).forEach((label, i) => {
        error = Math.max(error, Math.abs(middle(label) - middle(lines(ruled)[i])));
      });
    }
    const board = document.querySelector('.board').getBoundingClientRect();
    const outside = ticks(head).map((label) => label.getBoundingClientRect())
      .filter((box) => box.left < board.left || box.right > board.right).length;
    return { error, outside };
  });
  checks.that(found.error <= 1, `${where}: a tick label is ${found.error.toFixed(2)} px off its line`);
  checks.that(found.outside === 0, `${where}: ${found.outside} tick labels reach out of the table`);
}

/** The checks of an opened question keep a readable first column, and on a desktop all of them fit. */
async function checkChecksTables(page, view) {
  const tables = await page.evaluate(() => [...document.querySelectorAll('table.checks')]
    .filter((table) => table.checkVisibility())
    .map((table) => ({
      check: table.querySelector('tbody th').getBoundingClientRect().width,
      content: table.parentElement.scrollWidth,
      window: table.parentElement.clientWidth,
    })));
  checks.that(tables.length > 0, `${view.name}: no table of checks is open`);
  const least = view.width < 832 ? 120 : 250;
  for (const table of tables) {
    checks.that(table.check >= least,
      `${view.name}: the column of checks is ${table.check.toFixed(0)} px wide, below ${least}`);
    checks.that(view.width < 1280 || table.content <= table.window,
      `${view.name}: a table of checks is ${table.content} px wide in ${table.window} px`);
  }
}

async function checkKeyboard(page, where) {
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.className);
  checks.that(first === 'skip', `${where}: the first stop is not the skip link`);
  let opened = false;
  for (let i = 0; i < 80 && !opened; i += 1) {
    await page.keyboard.press('Tab');
    const onQuestion = await page.evaluate(() =>
      document.activeElement.matches('.question > summary'));
    if (onQuestion) {
      await page.keyboard.press('Enter');
      opened = await page.evaluate(() => document.activeElement.parentElement.open);
      break;
    }
  }
  checks.that(opened, `${where}: no question could be opened by keyboard`);
}

async function checkFilter(page, where) {
  const filter = page.locator('.filter label').nth(1);
  if (await filter.count() === 0) return;
  const all = await page.locator('.question:visible').count();
  await filter.click();
  const some = await page.locator('.question:visible').count();
  checks.that(some > 0 && some < all, `${where}: the filter shows ${some} of ${all} questions`);
  await page.locator('.filter label').first().click();
}

const browser = await launch();
try {
  for (const view of views) {
    const page = await openPage(browser, checks, address, view);
    await checkOverflow(page, checks, view.name);
    await checkStructure(page, checks, view.name);
    await checkWhiskers(page, view.name);
    await checkTicks(page, view.name);
    await page.screenshot({ path: `${shots}/${view.name}.png` });
    await page.screenshot({ path: `${shots}/${view.name}-full.png`, fullPage: true });
    await checkKeyboard(page, view.name);
    await checkFilter(page, view.name);
    await page.evaluate(() => {
      // The hostile question, an ordinary one, and every figure's table.
      for (const details of document.querySelectorAll('#q-1,#q-1 details,#q-2,main>section>details.twin')) {
        details.open = true;
      }
    });
    await checkOverflow(page, checks, `${view.name}, opened`);
    await checkChecksTables(page, view);
    await checkStructure(page, checks, `${view.name}, opened`);
    for (const violation of await axeViolations(page, ['.question:not(#q-1,#q-2,#q-3)'])) {
      checks.that(false, `${view.name}: axe ${violation}`);
    }
    const question = page.locator('.question').nth(await page.locator('.question').count() > 1 ? 1 : 0);
    await question.scrollIntoViewIfNeeded();
    await question.screenshot({ path: `${shots}/${view.name}-question.png` });
    await page.context().close();
  }
} finally {
  await browser.close();
}
process.exit(checks.finish());
