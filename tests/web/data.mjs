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

/** What is learnt can be told apart without colour: it is underlined and a mark to a screen reader. */
async function checkMarks(page, where) {
  const found = await page.evaluate(() => {
    const marks = [...document.querySelectorAll('article .tokens mark')];
    const rest = [...document.querySelectorAll('article .tokens span.template')];
    const line = (element) => getComputedStyle(element).borderBottomWidth;
    return {
      marks: marks.length,
      lined: marks.every((mark) => line(mark) !== '0px'),
      unlined: rest.every((span) => line(span) === '0px'),
    };
  });
  checks.that(found.marks > 0, `${where}: nothing is learnt`);
  checks.that(found.lined && found.unlined, `${where}: what is learnt is told by its colour alone`);
}

const browser = await launch();
try {
  for (const view of views) {
    const page = await openPage(browser, checks, address, view);
    await checkOverflow(page, checks, view.name);
    await checkStructure(page, checks, view.name);
    await checkMarks(page, view.name);
    await page.screenshot({ path: `${shots}/${view.name}-full.png`, fullPage: true });
    for (const violation of await axeViolations(page, ['article:nth-of-type(n+5)'])) {
      checks.that(false, `${view.name}: axe ${violation}`);
    }
    await page.context().close();
  }
} finally {
  await browser.close();
}
process.exit(checks.finish());
