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
