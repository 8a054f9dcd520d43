// Checks a training report in a real browser: node training.mjs PAGE.html SCREENSHOT_FOLDER
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  axeViolations, checkOverflow, Checks, checkStructure, figureContrast, launch, openPage, views,
} from './browser.mjs';

const [pagePath, shots] = process.argv.slice(2);
if (!pagePath || !shots) {
  console.error('usage: node training.mjs PAGE.html SCREENSHOT_FOLDER');
  process.exit(2);
}
const address = pathToFileURL(resolve(pagePath)).href;
mkdirSync(shots, { recursive: true });
const checks = new Checks();

/** The classes of the lines that are drawn of a figure, without what does not depend on choices. */
const drawn = (page, index) => page.evaluate((i) => {
  const shown = (element) => getComputedStyle(element).display !== 'none';
  const scale = [...document.querySelectorAll('.charts figure')[i].querySelectorAll('.fig > g')].filter(shown);
  return {
    scales: scale.length,
    lines: [...scale[0].querySelectorAll('.line')].filter(shown)
      .map((line) => line.getAttribute('class').replace(/line|lead|marked/g, '').trim()),
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

const crosses = (page) => page.locator('.charts .cross').count();

/** The last values are read out, and those at the pointer; they are those of the data. */
async function checkPointer(page, where) {
  const figure = page.locator('.charts figure').first();
  const svg = figure.locator('svg.fig');
  const readout = figure.locator('.readout');
  await svg.scrollIntoViewIfNeeded();
  const last = await page.evaluate(() => {
    const line = document.querySelector('.charts .line.lead');
    return { step: line.dataset.x.split(' ').at(-1), value: line.dataset.y.split(' ').at(-1) };
  });
  const idle = await readout.textContent();
  checks.that(idle.startsWith(`step ${Number(last.step).toLocaleString('en')}: `) &&
    idle.includes(last.value.replace('-', '\u2212')), `${where}: "${idle}" is not step ${last.step}`);
  const box = await svg.boundingBox();
  await svg.hover({ position: { x: 2, y: 90 } });
  const first = await readout.textContent();
  const many = await page.evaluate(() => document.querySelector('.charts .line.lead').dataset.x.includes(' '));
  checks.that((first !== idle) === many, `${where}: at the left end "${first}" is read, and at rest as well`);
  checks.that(await crosses(page) === 1, `${where}: ${await crosses(page)} crosses at the pointer`);
  await svg.hover({ position: { x: box.width - 2, y: 90 } });
  checks.that(await readout.textContent() === idle, `${where}: the right end is not the last step`);
  await page.mouse.move(0, 0);
  checks.that(await crosses(page) === 0 && await readout.textContent() === idle,
    `${where}: the cross stays when the pointer has left`);
}

/** By keyboard alone: the chart is reached, says how it is read, and its values are. */
async function checkKeyboard(page, where) {
  const figure = page.locator('.charts figure').first();
  const readout = figure.locator('.readout');
  const idle = await readout.textContent();
  await page.locator('.choices input').last().focus();
  await page.keyboard.press('Tab');
  const reached = await figure.evaluate((element) => ({
    focused: document.activeElement === element,
    ring: getComputedStyle(element).outlineStyle,
    keys: document.getElementById(element.getAttribute('aria-describedby'))?.textContent ?? '',
  }));
  checks.that(reached.focused && reached.ring === 'solid', `${where}: Tab does not reach the first chart`);
  checks.that(reached.keys.includes('arrow keys'), `${where}: nothing says that arrow keys read a chart`);
  await page.keyboard.press('Home');
  const first = await readout.textContent();
  await page.keyboard.press('ArrowRight');
  const next = await readout.textContent();
  const many = await page.evaluate(() => document.querySelector('.charts .line.lead').dataset.x.includes(' '));
  checks.that(first.startsWith('step ') && (first !== next) === many, `${where}: arrow keys read "${first}", "${next}"`);
  checks.that(await readout.getAttribute('aria-live') === 'polite', `${where}: what keys read is not spoken`);
  await page.keyboard.press('Escape');
  checks.that(await crosses(page) === 0 && await readout.textContent() === idle, `${where}: Escape leaves the cross`);
}

/** The readout is of the lines that are shown; the arrow keys of radio buttons choose them. */
async function checkChoicesByKey(page, where) {
  if (await page.locator('#smooth-0').count() === 0) return;
  const readout = page.locator('.charts figure .readout').first();
  checks.that((await readout.textContent()).includes('(raw '), `${where}: a running mean hides the step's value`);
  await page.locator('#smooth-2').focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  checks.that(await page.locator('#smooth-0').isChecked(), `${where}: arrow keys do not choose the smoothing`);
  checks.that(!(await readout.textContent()).includes('(raw '), `${where}: the readout is that of hidden lines`);
  await page.locator('label[for=smooth-2]').click();
}

/** No line is told from another of its chart by colour alone, at any smoothing. */
async function checkLinesWithoutColour(page, where) {
  const looks = () => page.evaluate(() => [...document.querySelectorAll('.charts figure')].map((figure) => {
    const displayed = (element) => getComputedStyle(element).display !== 'none';
    const scale = [...figure.querySelectorAll('.fig > g')].find(displayed);
    const clear = (line) => displayed(line) && getComputedStyle(line).opacity === '1';
    return [...scale.querySelectorAll('.line')].filter(clear).map((line) => {
      const dashes = getComputedStyle(line.querySelector('polyline')).strokeDasharray;
      return `${dashes}${line.querySelector('.dots') ? ' dots' : ''}`;
    });
  }));
  for (const smoothing of ['smooth-0', 'smooth-2']) {
    const choice = page.locator(`label[for=${smoothing}]`);
    if (await choice.count() === 0) continue;
    await choice.click();
    for (const lines of await looks()) {
      checks.that(new Set(lines).size === lines.length, `${where}, ${smoothing}: lines look alike: ${lines.join('; ')}`);
    }
  }
}

async function checkContrast(page, where) {
  const least = await figureContrast(page, '.charts');
  checks.that(least.text >= 4.5, `${where}: a text of a chart has a contrast of ${least.text.toFixed(2)}`);
  checks.that(least.line >= 3, `${where}: a line of a chart has a contrast of ${least.line.toFixed(2)}`);
}

/** A finger has no way to hover: a tap reads a value out. */
async function checkTouch(browser) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true });
  const page = await context.newPage();
  await page.goto(address);
  await page.locator('.charts svg.fig').first().tap({ position: { x: 4, y: 90 } });
  checks.that(await crosses(page) === 1, 'touch: a tap on a chart reads nothing out');
  await context.close();
}

/** Between phone and desktop: facts and charts in other numbers of columns. */
async function checkTablet(browser) {
  const view = { name: 'tablet-dark', width: 768, height: 1024, colorScheme: 'dark' };
  const page = await openPage(browser, checks, address, view);
  await checkOverflow(page, checks, view.name);
  await checkContrast(page, view.name);
  await page.screenshot({ path: `${shots}/${view.name}-full.png`, fullPage: true });
  await page.context().close();
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
    await checkLinesWithoutColour(page, view.name);
    await checkContrast(page, view.name);
    await checkPointer(page, view.name);
    await checkChoicesByKey(page, view.name);
    await checkKeyboard(page, view.name);
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
  await checkTablet(browser);
  await checkTouch(browser);
  await checkWithoutScript(browser);
} finally {
  await browser.close();
}
process.exit(checks.finish());
