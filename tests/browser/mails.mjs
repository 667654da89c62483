// Every mail in every shape: valid HTML, readable on a phone and on a desktop, in light and dark, with and without images.
//
// Usage: mails FOLDER SCREENSHOTS, where FOLDER has the mails as `dialbridge mails FOLDER` writes them.

import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Watch, Wrong, accessible, check, fits, withChromium } from './browser.mjs';

const require = createRequire(import.meta.url);
const { HtmlValidate } = require('html-validate');

const SITE = 'https://mails.example';
const LOGO = `${SITE}/logo.svg`;
const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="32"><rect width="160" height="32" fill="#0b6e4f"/></svg>';
const SCREENS = [['phone', { width: 360, height: 740 }], ['desktop', { width: 800, height: 900 }]];
const RULES = {
  extends: ['html-validate:standard', 'html-validate:a11y'],
  rules: {
    // Mail programs drop style sheets, and some know tables by their attributes only.
    'no-inline-style': 'off',
    'no-deprecated-attr': 'off',
    'no-conditional-comment': 'off',
    // Subjects are titles here.
    'long-title': 'off',
    'require-sri': 'off',
  },
};
// Rules about pages: a mail is a part of somebody else's.
const OF_PAGES = ['landmark-one-main', 'page-has-heading-one', 'region'];

function valid(mails) {
  const validator = new HtmlValidate(RULES);
  for (const [name, html] of mails) {
    const report = validator.validateStringSync(html, `${name}.html`);
    const faults = report.results.flatMap((result) => result.messages.map((one) => `${one.line}:${one.column} ${one.ruleId}: ${one.message}`));
    check(`${name} is valid HTML`, faults.length === 0, faults);
  }
}

async function looked(mails, folder) {
  mkdirSync(folder, { recursive: true });
  let looks = 0;
  await withChromium(async (browser) => {
    for (const images of [true, false]) {
      const watch = new Watch([new URL(SITE).host]);
      // Nothing in a mail may run.
      const context = await browser.newContext({ javaScriptEnabled: true, serviceWorkers: 'block' });
      await watch.over(context);
      await context.route('**/*', (route) => {
        const url = route.request().url();
        if (url === LOGO && images) return route.fulfill({ body: PICTURE, contentType: 'image/svg+xml' });
        const html = mails.get(new URL(url).pathname.slice(1));
        return html ? route.fulfill({ body: html, contentType: 'text/html; charset=utf-8' }) : route.abort();
      });
      const page = await context.newPage();
      for (const name of mails.keys()) {
        await page.goto(`${SITE}/${name}`);
        // The ground that the browser paints by itself, told to axe.
        await page.addStyleTag({ content: 'html { background-color: Canvas; color: CanvasText; }' });
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          for (const [screen, size] of SCREENS) {
            const what = `${name} on a ${screen}, ${colorScheme}, ${images ? 'with' : 'without'} images`;
            await page.setViewportSize(size);
            await fits(page, what);
            if (screen === 'phone') await accessible(page, what, OF_PAGES);
            await page.screenshot({ path: join(folder, `${name}-${screen}-${colorScheme}${images ? '' : '-bare'}.png`), fullPage: true });
            looks += 1;
          }
        }
      }
      const complaints = watch.faults.filter((fault) => images || !fault.includes('net::ERR_FAILED'));
      check('no mail complains or asks for more than the logo', complaints.length === 0, complaints);
      await context.close();
    }
  });
  return looks;
}

const [folder, screenshots] = process.argv.slice(2);
const names = readdirSync(folder).filter((name) => name.endsWith('.html')).map((name) => name.slice(0, -'.html'.length));
const mails = new Map(names.map((name) => [name, readFileSync(join(folder, `${name}.html`), 'utf8')]));
try {
  check('there are mails', mails.size > 0, folder);
  valid(mails);
  const looks = await looked(mails, screenshots);
  console.log(`${mails.size} mails are valid HTML; ${looks} times looked at: phone and desktop, light and dark, with and without images.`);
} catch (error) {
  if (!(error instanceof Wrong)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
