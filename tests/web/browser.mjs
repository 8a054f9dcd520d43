// Helpers of the browser checks: launching, axe, and an assertion that collects instead of stopping.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** Collects failures so that one run names everything that is wrong. */
export class Checks {
  #failures = [];
  #count = 0;

  that(condition, message) {
    this.#count += 1;
    if (!condition) this.#failures.push(message);
  }

  /** Prints the outcome; the value is the process exit code. */
  finish() {
    for (const failure of this.#failures) console.log(`failed: ${failure}`);
    console.log(`${this.#count} checks, ${this.#failures.length} failed`);
    return this.#failures.length === 0 ? 0 : 1;
  }
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CUPEL_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-quic',
      '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync'],
  });
}

/**
 * axe's violations as one line each: rule, element, and what was measured. `exclude` names repeats of
 * what is checked anyway: axe's time grows with the number of elements.
 */
export async function axeViolations(page, exclude = []) {
  // The page's policy forbids scripts; an isolated evaluation by the driver is not bound by it.
  await page.evaluate(axeSource);
  const result = await page.evaluate((repeats) =>
    globalThis.axe.run({ include: [['html']], exclude: repeats.map((selector) => [selector]) }, {
      resultTypes: ['violations'],
      preload: false, // there is nothing to load
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }), exclude);
  return result.violations.flatMap((violation) =>
    violation.nodes.slice(0, 3).map((node) =>
      `${violation.id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`.replace(/\s+/g, ' ')));
}

/** Phone and desktop, in both colour schemes, and the narrowest window of WCAG 1.4.10. */
export const views = [
  { name: 'phone-light', width: 390, height: 844, colorScheme: 'light' },
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark' },
  { name: 'desktop-light', width: 1280, height: 800, colorScheme: 'light' },
  { name: 'desktop-dark', width: 1280, height: 800, colorScheme: 'dark' },
  { name: 'narrow-light', width: 320, height: 640, colorScheme: 'light' },
];

/** A page that fails the run on any dialog, script error or request beyond the file itself. */
export async function openPage(browser, checks, address, view) {
  const context = await browser.newContext({
    viewport: { width: view.width, height: view.height },
    colorScheme: view.colorScheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.on('dialog', async (dialog) => {
    checks.that(false, `${view.name}: dialog "${dialog.message()}": an answer ran as a script`);
    await dialog.dismiss();
  });
  page.on('request', (request) => {
    const url = request.url();
    checks.that(url === address || url.startsWith('data:'), `${view.name}: request to ${url}`);
  });
  page.on('console', (message) => checks.that(message.type() !== 'error', `${view.name}: ${message.text()}`));
  page.on('pageerror', (error) => checks.that(false, `${view.name}: ${error.message}`));
  await page.goto(address);
  return page;
}

/**
 * The least contrast of figures in that part of the page: their texts, and the lines that are shown
 * at full strength, against the card they stand on. axe looks at HTML alone.
 */
export function figureContrast(page, part) {
  return page.evaluate((selector) => {
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((digits) => {
        const share = Number(digits) / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (element, property) => {
      const [high, low] = [getComputedStyle(element)[property], getComputedStyle(element.closest('.card')).backgroundColor]
        .map(light).sort((a, b) => b - a);
      return (high + 0.05) / (low + 0.05);
    };
    // checkVisibility() is true of parts of SVG that are not displayed.
    const displayed = (element) => getComputedStyle(element).display !== 'none' &&
      (element.matches('.fig') || displayed(element.parentElement));
    const shown = (element) => displayed(element) && getComputedStyle(element).opacity === '1';
    const least = (elements, property) =>
      Math.min(...[...document.querySelectorAll(elements)].filter(shown).map((element) => contrast(element, property)));
    return { text: least(`${selector} .fig text`, 'fill'), line: least(`${selector} .fig .line`, 'stroke') };
  }, part);
}

export async function checkOverflow(page, checks, where) {
  const size = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  checks.that(size.content <= size.window,
    `${where}: the page is ${size.content} px wide in a window of ${size.window} px`);
}

/** Landmarks, headings, names of figures, and nothing that a page of ours never has. */
export async function checkStructure(page, checks, where, scripts = 0) {
  const found = await page.evaluate(() => {
    const levels = [...document.querySelectorAll('h1,h2,h3,h4')]
      .filter((heading) => heading.checkVisibility())
      .map((heading) => Number(heading.tagName[1]));
    return {
      h1: document.querySelectorAll('h1').length,
      landmarks: ['header', 'nav', 'main', 'footer'].filter((tag) => document.querySelector(tag)),
      language: document.documentElement.lang,
      skipped: levels.some((level, i) => i > 0 && level > levels[i - 1] + 1),
      forbidden: document.querySelectorAll(
        'iframe,object,embed,img,form,base,link:not([rel=icon]),meta[http-equiv=refresh]').length,
      scripts: document.querySelectorAll('script').length,
      handlers: [...document.querySelectorAll('*')].filter((element) =>
        element.getAttributeNames().some((name) => name.startsWith('on'))).length,
      links: [...document.querySelectorAll('a')].every((a) => a.getAttribute('href').startsWith('#')),
      broken: [...document.querySelectorAll('a')].filter((a) =>
        !document.getElementById(a.getAttribute('href').slice(1))).length,
      unnamedFigures: [...document.querySelectorAll('svg[role=img]')].filter((svg) =>
        !svg.querySelector('title')?.textContent || !svg.querySelector('desc')?.textContent).length,
    };
  });
  checks.that(found.h1 === 1, `${where}: ${found.h1} h1 elements`);
  checks.that(found.landmarks.length === 4, `${where}: landmarks are ${found.landmarks}`);
  checks.that(found.language === 'en', `${where}: lang is "${found.language}"`);
  checks.that(!found.skipped, `${where}: a heading level is skipped`);
  checks.that(found.forbidden === 0, `${where}: ${found.forbidden} elements that a report never has`);
  checks.that(found.scripts === scripts, `${where}: ${found.scripts} scripts instead of ${scripts}`);
  checks.that(found.handlers === 0, `${where}: ${found.handlers} elements with event handlers`);
  checks.that(found.links, `${where}: a link leaves the page`);
  checks.that(found.broken === 0, `${where}: ${found.broken} links lead nowhere`);
  checks.that(found.unnamedFigures === 0, `${where}: ${found.unnamedFigures} figures without a name`);
}
