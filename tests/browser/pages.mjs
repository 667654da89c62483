// Every page in every state, one by one: valid HTML, usable on small screens and with large type, sound for axe.
//
// Usage: pages FOLDER SCREENSHOTS, where FOLDER has the pages and their policy, as the example `pages` writes them.

import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Eye, Watch, Wrong, check, tabThrough, withChromium } from './browser.mjs';

const require = createRequire(import.meta.url);
const { HtmlValidate } = require('html-validate');

const SITE = 'http://pages.example';
const RULES = {
  extends: ['html-validate:standard', 'html-validate:a11y'],
  rules: {
    // The one style sheet is in the page, so that a page needs nothing else.
    'require-sri': 'off',
    'no-inline-style': 'error',
    // The codes that people copy are longer than a sentence of a title.
    'long-title': 'off',
  },
};
// A page that waits for Microsoft loads itself: nothing can be lost by it, and its text says so.
const RELOADS = new Set(['wait']);
// The help pages differ in their texts only: one of the longest stands for them before the browser.
const alike = (name) => name.startsWith('help-AADSTS') && name !== 'help-AADSTS50011';

function valid(pages) {
  const validator = new HtmlValidate(RULES);
  for (const [name, html] of pages) {
    const report = validator.validateStringSync(html, `${name}.html`, {
      rules: RELOADS.has(name) ? { 'meta-refresh': 'off' } : {},
    });
    const faults = report.results.flatMap((result) => result.messages.map((one) => `${one.line}:${one.column} ${one.ruleId}: ${one.message}`));
    check(`${name} is valid HTML`, faults.length === 0, faults);
  }
}

async function looked(pages, policy, folder) {
  return withChromium(async (browser) => {
    const watch = new Watch([new URL(SITE).host]);
    const context = await browser.newContext();
    await watch.over(context);
    await context.route('**/*', (route) => {
      const html = pages.get(new URL(route.request().url()).pathname.slice(1));
      const headers = { 'content-security-policy': policy };
      return html ? route.fulfill({ body: html, contentType: 'text/html; charset=utf-8', headers }) : route.abort();
    });
    const page = await context.newPage();
    const eye = new Eye(folder);
    for (const name of [...pages.keys()].filter((name) => !alike(name))) {
      await page.goto(`${SITE}/${name}`);
      const closed = page.locator('details:not([open]) > summary');
      while (await closed.count()) await closed.first().click();
      await tabThrough(page);
      await eye.look(page, name, { but: RELOADS.has(name) ? ['meta-refresh'] : [] });
      check(`${name} has one heading of the first level`, (await page.locator('h1').count()) === 1);
    }
    check('no window complains', watch.faults.length === 0, watch.faults);
    return eye.seen;
  });
}

const [folder, screenshots] = process.argv.slice(2);
const names = readdirSync(folder).filter((name) => name.endsWith('.html')).map((name) => name.slice(0, -'.html'.length));
const pages = new Map(names.map((name) => [name, readFileSync(join(folder, `${name}.html`), 'utf8')]));
try {
  check('there are pages', pages.size > 0, folder);
  valid(pages);
  const looks = await looked(pages, readFileSync(join(folder, 'policy.txt'), 'utf8'), screenshots);
  console.log(`${pages.size} pages are valid HTML; ${looks} were looked at on four screens in light and dark.`);
} catch (error) {
  if (!(error instanceof Wrong)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
