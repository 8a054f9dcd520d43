// Checks a page of training data in a real browser: node data.mjs PAGE.html SCREENSHOT_FOLDER
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { axeViolations, checkOverflow, Checks, checkStructure, launch, openPage, views } from './browser.mjs';

const [pagePath, shots] = process.argv.slice(2);
if (!pagePath || !shots) {
  console.error('usage: node data.mjs PAGE.html SCREENSHOT_FOLDER');
  process.exit(2);
}
const address = pathToFileURL(resolve(pagePath)).href;
mkdirSync(shots, { recursive: true });
const checks = new Checks();

/**
 * What is learnt can be told apart without colour: it has a solid line, and is a mark to a screen
 * reader; what the assistant says and is not learnt has a dotted one.
 */
async function checkMarks(page, where) {
  const found = await page.evaluate(() => {
    const marks = [...document.querySelectorAll('article .tokens mark')];
    const rest = [...document.querySelectorAll('article .tokens span.template')];
    const line = (element) => getComputedStyle(element).borderBottomStyle;
    return {
      marks: marks.length,
      lined: marks.every((mark) => line(mark) === 'solid'),
      unlined: rest.every((span) => line(span) === 'none'),
      dotted: line(document.querySelector('span.completion')) === 'dotted',
    };
  });
  checks.that(found.marks > 0, `${where}: nothing is learnt`);
  checks.that(found.lined && found.unlined && found.dotted, `${where}: what is learnt is told by its colour alone`);
}

/** Ids and weights are there for who cannot point: in tables of the same tokens. */
async function checkTables(page, where) {
  const found = await page.evaluate(() => {
    const differ = [...document.querySelectorAll('article .tokens')].filter((tokens) => {
      const rows = [...tokens.nextElementSibling.querySelectorAll('tbody tr')];
      const learnt = rows.map((row) => row.cells[3].textContent !== 'not learnt');
      const marks = [...tokens.querySelectorAll('mark,span')].map((token) => token.tagName === 'MARK');
      return learnt.join() !== marks.join();
    });
    const halves = [...document.querySelectorAll('article td:last-child')].filter((cell) => cell.textContent === '0.5');
    return { differ: differ.length, halves: halves.length, shown: document.querySelectorAll('article sub').length };
  });
  checks.that(found.differ === 0, `${where}: ${found.differ} tables are not those of their tokens`);
  checks.that(found.halves > 0 && found.halves === found.shown, `${where}: ${found.shown} of ${found.halves} weights are shown`);
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details.twin')) details.open = true;
  });
  await checkOverflow(page, checks, `${where}, opened`);
}

const browser = await launch();
try {
  for (const view of views) {
    const page = await openPage(browser, checks, address, view);
    await checkOverflow(page, checks, view.name);
    await checkStructure(page, checks, view.name);
    await checkMarks(page, view.name);
    await page.screenshot({ path: `${shots}/${view.name}-full.png`, fullPage: true });
    await checkTables(page, view.name);
    for (const violation of await axeViolations(page, ['article:nth-of-type(n+5)'])) {
      checks.that(false, `${view.name}: axe ${violation}`);
    }
    await page.context().close();
  }
} finally {
  await browser.close();
}
process.exit(checks.finish());
