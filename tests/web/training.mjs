// Checks a training report in a real browser: node training.mjs PAGE.html SCREENSHOT_FOLDER
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { axeViolations, checkOverflow, Checks, checkStructure, launch, openPage, views } from './browser.mjs';

const [pagePath, shots] = process.argv.slice(2);
if (!pagePath || !shots) {
  console.error('usage: node training.mjs PAGE.html SCREENSHOT_FOLDER');
  process.exit(2);
}
const address = pathToFileURL(resolve(pagePath)).href;
mkdirSync(shots, { recursive: true });
const checks = new Checks();

/** The classes of the lines that are drawn of a figure, without "line" and "lead". */
const drawn = (page, index) => page.evaluate((i) => {
  const shown = (element) => getComputedStyle(element).display !== 'none';
  const scale = [...document.querySelectorAll('.charts figure')[i].querySelectorAll('.fig > g')].filter(shown);
  return {
    scales: scale.length,
    lines: [...scale[0].querySelectorAll('.line')].filter(shown)
      .map((line) => line.getAttribute('class').replace(/line|lead/g, '').trim()),
  };
}, index);

/** Smoothing and scale are radio buttons: they work without the script. */
async function checkChoices(page, where) {
  if (await page.locator('#smooth-0').count() === 0) return;
  const lines = async () => (await drawn(page, 0)).lines.filter((line) => line !== '');
  checks.that((await lines()).join() === 'raw,mean m2', `${where}: at first ${await lines()} are drawn`);
  await page.locator('label[for=smooth-0]').click();
  checks.that((await lines()).join() === 'raw', `${where}: unsmoothed, ${await lines()} are drawn`);
  await page.locator('label[for=smooth-3]').click();
  checks.that((await lines()).join() === 'raw,mean m3', `${where}: smoothed most, ${await lines()} are drawn`);
  const before = await drawn(page, 0);
  await page.locator('label[for=scale-log]').click();
  checks.that(before.scales === 1 && (await drawn(page, 0)).scales === 1, `${where}: both scales are drawn at once`);
  checks.that(await page.locator('.charts .log').first().isVisible(), `${where}: no logarithmic scale`);
  await page.locator('label[for=scale-linear]').click();
  await page.locator('label[for=smooth-2]').click();
}

/** Values are read out by pointer and by arrow keys, and are those of the data. */
async function checkReadout(page, where) {
  const figure = page.locator('.charts figure').first();
  const svg = figure.locator('svg.fig');
  const readout = figure.locator('.readout');
  await svg.scrollIntoViewIfNeeded();
  const box = await svg.boundingBox();
  await svg.hover({ position: { x: box.width - 2, y: 90 } });
  const last = await page.evaluate(() => {
    const line = document.querySelector('.charts .line.lead');
    return { step: line.dataset.x.split(' ').at(-1), value: line.dataset.y.split(' ').at(-1) };
  });
  const text = await readout.textContent();
  checks.that(text.startsWith(`step ${Number(last.step).toLocaleString('en')}: `) &&
    text.includes(last.value.replace('-', '\u2212')), `${where}: "${text}" is not step ${last.step}`);
  await page.mouse.move(0, 0);
  checks.that(await readout.textContent() === '', `${where}: the readout stays when the pointer has left`);
  await figure.focus();
  await page.keyboard.press('Home');
  const first = await readout.textContent();
  await page.keyboard.press('ArrowRight');
  const next = await readout.textContent();
  const many = await page.evaluate(() => document.querySelector('.charts .line.lead').dataset.x.includes(' '));
  checks.that(first.startsWith('step ') && (first !== next) === many, `${where}: arrow keys read "${first}", "${next}"`);
  await page.keyboard.press('Escape');
  checks.that(await readout.textContent() === '', `${where}: Escape leaves the readout`);
}

/** Everything that is read is there without the script. */
async function checkWithoutScript(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(address);
  checks.that(await page.locator('.readout').count() === 0, 'no script: there are dead controls');
  checks.that(await page.locator('.charts details.twin').count() === await page.locator('.charts figure').count(),
    'no script: a figure has no table');
  await checkChoices(page, 'no script');
  await context.close();
}

const browser = await launch();
try {
  for (const view of views) {
    const page = await openPage(browser, checks, address, view);
    await checkOverflow(page, checks, view.name);
    await checkStructure(page, checks, view.name, 1);
    await page.screenshot({ path: `${shots}/${view.name}-full.png`, fullPage: true });
    await checkChoices(page, view.name);
    await checkReadout(page, view.name);
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details.twin')) details.open = true;
    });
    await checkOverflow(page, checks, `${view.name}, opened`);
    await checkStructure(page, checks, `${view.name}, opened`, 1);
    for (const violation of await axeViolations(page, ['.charts figure:nth-of-type(n+3) table', '.charts .fig > g', '.answers:nth-of-type(n+6)'])) {
      checks.that(false, `${view.name}: axe ${violation}`);
    }
    await page.context().close();
  }
  await checkWithoutScript(browser);
} finally {
  await browser.close();
}
process.exit(checks.finish());
