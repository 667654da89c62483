// Chromium and the people in front of it: whoever looks at a page here also checks it.

import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

// The packages lie where `.ci/browser` puts them; NODE_PATH says where.
const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const axe = require('axe-core').source;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };
// A window of 1280 pixels at 400 %.
const NARROWEST = { width: 320, height: 256 };

export class Wrong extends Error {}

/** Ends the story where something does not hold. */
export function check(what, holds, seen) {
  if (!holds) throw new Wrong(`not as it should be: ${what}. Seen: ${JSON.stringify(seen)}`);
}

/** Starts the browser, gives it to `story`, and ends it. */
export async function withChromium(story) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    return await story(browser);
  } finally {
    await browser.close();
  }
}

/** What went wrong in any window: errors of the console, breaches of a policy, requests to hosts that are not ours. */
export class Watch {
  constructor(hosts) {
    this.hosts = new Set(hosts);
    this.faults = [];
  }

  over(context) {
    context.on('page', (page) => this.#page(page));
    context.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol.startsWith('http') && !this.hosts.has(host)) this.faults.push(`request to ${request.url()}`);
    });
    context.on('weberror', (error) => this.faults.push(`${error.error()}`));
    return context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (breach) =>
        console.error(`policy: ${breach.violatedDirective} ${breach.blockedURI}`));
    });
  }

  #page(page) {
    page.on('console', (message) => {
      // A refusal is a page with a status of its own, which Chromium notes.
      const refusal = message.text().startsWith('Failed to load resource: the server responded with a status of');
      if (message.type() === 'error' && !refusal) this.faults.push(`${page.url()}: ${message.text()}`);
    });
  }
}

/** Checks pages as people with small screens, large type, keyboards and screen readers meet them. */
export class Eye {
  constructor(folder) {
    this.folder = folder;
    this.seen = 0;
    if (folder) mkdirSync(folder, { recursive: true });
  }

  /** Looks at the page that is open. `but` names rules of axe that do not hold for it, with a reason at the caller. */
  async look(page, name, { but = [] } = {}) {
    this.seen += 1;
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      for (const [screen, size] of [['phone', PHONE], ['desktop', DESKTOP]]) {
        await page.setViewportSize(size);
        await fits(page, `${name} on a ${screen}`);
        if (this.folder) await page.screenshot({ path: join(this.folder, `${name}-${screen}-${colorScheme}.png`), fullPage: true });
      }
      // In light on the desktop, which comes last; in dark on a phone.
      if (colorScheme === 'dark') await page.setViewportSize(PHONE);
      await accessible(page, `${name}, ${colorScheme}`, but);
    }
    await page.setViewportSize(NARROWEST);
    await fits(page, `${name} at 400 %`);
    await page.setViewportSize(PHONE);
    await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
    await fits(page, `${name} with type of 200 %`);
    await page.evaluate(() => { document.documentElement.style.fontSize = ''; });
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: 'light' });
  }
}

/** Nothing is wider than the window. */
export async function fits(page, name) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return null;
    const all = [...document.querySelectorAll('body *')];
    return { width, wider: all.filter((one) => one.getBoundingClientRect().right > width + 1).map((one) => one.outerHTML.slice(0, 120)) };
  });
  check(`${name}: nothing has to be scrolled sideways`, wide === null, wide);
}

export async function accessible(page, name, but) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const found = await page.evaluate((rules) => window.axe.run(document, { rules }), Object.fromEntries(but.map((rule) => [rule, { enabled: false }])));
  const faults = found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
  check(`${name}: axe finds nothing`, faults.length === 0, faults);
}

/** More than any page has. */
const TABS = 200;

/** Presses Tab; where the focus is then must be seen. Whether it is on the page. */
async function tab(page) {
  await page.keyboard.press('Tab');
  const [on, seen, html] = await page.evaluate(() => {
    const focus = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(focus);
    return [focus !== document.body, outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2, focus.outerHTML.slice(0, 200)];
  });
  check(`${page.url()}: the focus is seen`, !on || seen, html);
  return on;
}

/** Goes to an element with the Tab key alone; where the focus is must be seen on the way. */
export async function tabTo(page, locator) {
  for (let step = 0; step < TABS; step += 1) {
    await tab(page);
    if (await locator.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Wrong(`${page.url()}: the keyboard does not get to ${locator}`);
}

/** Goes through the whole page with the Tab key alone, and meets everything that can be pressed or filled in. */
export async function tabThrough(page) {
  await page.evaluate(() => {
    window.missed = new Set(document.querySelectorAll('a[href], button, summary, textarea, input:not([type=hidden], [type=radio], [disabled])'));
  });
  // From where the focus is to the end, and once more from the beginning.
  for (let steps = 0, ends = 0; steps < TABS && ends < 2; steps += 1) {
    if (await tab(page)) await page.evaluate(() => window.missed.delete(document.activeElement));
    else ends += 1;
  }
  const missed = await page.evaluate(() => [...window.missed].map((one) => one.outerHTML.slice(0, 120)));
  check(`${page.url()}: the keyboard gets everywhere`, missed.length === 0, missed);
}
