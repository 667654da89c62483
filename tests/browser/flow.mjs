// The way of people through the pages, in Chromium against the local service: from the mail to a connected enterprise,
// and what goes wrong on it.
//
// Usage: flow PROGRAM SCREENSHOTS

import { Eye, Watch, Wrong, check, tabTo, withChromium } from './browser.mjs';
import { withWorld } from './world.mjs';

class Story {
  constructor(world, browser, eye) {
    this.world = world;
    this.browser = browser;
    this.eye = eye;
    this.watch = new Watch(world.hosts);
  }

  /** A browser of its own, as a private window is one. */
  async person() {
    const context = await this.browser.newContext();
    await this.watch.over(context);
    return context.newPage();
  }

  heading(page, text) {
    return page.getByRole('heading', { level: 1, name: text }).waitFor();
  }

  /** A page of ours says what it should, and everybody can use it. */
  async shown(page, name, heading, ...texts) {
    await this.heading(page, heading);
    const body = await page.locator('body').innerText();
    for (const text of texts) check(`${name} says "${text}"`, body.includes(text), body);
    check(`${name} needs no script`, (await page.locator('script').count()) === 0);
    await this.eye.look(page, name);
  }

  async tell() {
    [this.tenant, this.other] = await this.world.tenants();
    this.admin = this.tenant.globalAdmins[0];
    this.resellerId = await this.world.reseller();
    this.reseller = await this.world.caller('reseller_admin', 'rita@northwind.example', { reseller: this.resellerId });
    const enterprise = await this.invite(this.tenant, 'Northwind Bakeries');
    const { link, code } = await this.mail();
    await this.mistakes(link, code);
    await this.connect(link, code);
    await this.closed(link);
    await this.helped();
    await this.sync(enterprise);
    await this.move(enterprise);
  }

  /** The reseller creates an enterprise, and the invitation goes out; the id. */
  async invite(tenant, name) {
    const form = {
      name, adminEmail: tenant.globalAdmins[0], adminName: 'Mara Quist', userLimit: 10, requestManagementConsent: true,
      sbcRegions: ['Europe'], services: ['PBX'], pbxTypes: ['Ringlogix'], timeZone: 'Europe/Brussels',
    };
    const { body } = await this.reseller('POST', '/v1/enterprises', form);
    return body.id;
  }

  /** The newest mail in the mailbox: its code, and the address that its button opens. */
  async mail() {
    const page = await this.person();
    await page.goto(new URL('/mailbox', this.world.urls.portal).href);
    await page.locator('tbody tr', { hasText: this.admin }).first().getByRole('link').click();
    const code = (await page.locator('pre').innerText()).match(/\b[A-Z0-9]{5}-[A-Z0-9]{5}\b/)?.[0];
    check('the mail has the code', code, await page.locator('pre').innerText());
    const opened = page.context().waitForEvent('page');
    await page.frameLocator('iframe[title="HTML part: Light"]').getByRole('link', { name: 'COMPLETE' }).click();
    const invitation = await opened;
    await this.heading(invitation, 'Connect Northwind Bakeries to Microsoft Teams');
    const link = invitation.url();
    await page.context().close();
    return { link, code };
  }

  async enter(page, link, code) {
    await page.goto(link);
    await page.getByLabel('Invitation Code').fill(code);
    await page.getByRole('button', { name: 'Complete' }).click();
  }

  /** At Microsoft: picks the account, and where permissions are asked, ticks the box that is offered and accepts. */
  async atMicrosoft(page, account) {
    const listed = page.locator(`button[name=account][value="${account}"]`);
    await page.getByLabel('Use another account').waitFor();
    if (await listed.count()) await listed.click();
    else {
      await page.getByLabel('Use another account').fill(account);
      await page.getByRole('button', { name: 'Next' }).click();
    }
    const accept = page.getByRole('button', { name: 'Accept', exact: true });
    const ours = page.locator('article');
    await accept.or(ours).or(page.locator('#error')).first().waitFor();
    if (await accept.isVisible()) {
      const box = page.getByLabel('Consent on behalf of your organization');
      if (await box.count()) await box.check();
      await accept.click();
    }
  }

  /** Everything that people do wrong before it goes right; nothing of it is kept. */
  async mistakes(link, code) {
    let page = await this.person();
    await this.enter(page, link, 'AAAAA-AAAAA');
    await page.getByRole('alert').waitFor();
    check('the field has the focus again', await page.getByLabel('Invitation Code').evaluate((field) => field === document.activeElement));
    await this.shown(page, 'wrong-code', 'Connect Northwind Bakeries', 'This is not the code', '4 tries are left');

    await this.enter(page, link, code);
    await page.getByRole('button', { name: 'Back' }).click();
    await this.shown(page, 'declined', 'The permissions were not accepted', 'Code for support: DECLINED');

    await this.enter(page, link, code);
    await this.atMicrosoft(page, this.tenant.ordinaryUser);
    await this.shown(page, 'not-an-admin', 'This account is not a Global Administrator', 'Northwind Customer Support');
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'More about this' }).click();
    const help = await opened;
    await this.shown(help, 'help-not-an-admin', 'This account is not a Global Administrator', 'Who can help');
    await page.context().close();

    await this.stolen(link, code);
    await this.deadEnd(link, code);
  }

  /** Another browser gets what was meant for this one. */
  async stolen(link, code) {
    const page = await this.person();
    let callback;
    await page.route('**/oauth2/v2.0/authorize*', async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 });
      callback = answer.headers().location;
      return callback ? route.abort() : route.fulfill({ response: answer });
    });
    await this.enter(page, link, code);
    const aborted = page.waitForEvent('requestfailed');
    await this.atMicrosoft(page, this.admin);
    await aborted;
    check('Microsoft leads back to us', callback?.includes('/signin/callback'), callback);
    const thief = await this.person();
    await thief.goto(callback);
    await this.shown(thief, 'another-browser', 'We could not connect this sign-in with you', 'Log out of all Microsoft accounts');
    await page.context().close();
    await thief.context().close();
  }

  /** Microsoft stops on a page of its own: the person looks its number up, and begins again with our link. */
  async deadEnd(link, code) {
    const page = await this.person();
    await this.world.nextSignIn({ stop: 50105 });
    await this.enter(page, link, code);
    await this.atMicrosoft(page, this.admin);
    const message = await page.locator('#error').innerText();
    check('Microsoft shows its number', message.includes('AADSTS50105'), message);
    await this.world.pass(11 * 60);
    await page.goto(link);
    await this.shown(page, 'unanswered', 'Connect Northwind Bakeries', 'no answer came back from Microsoft');
    const opened = page.context().waitForEvent('page');
    await page.getByText("Microsoft's window stopped, closed or did not open?").click();
    await page.getByRole('link', { name: 'look up what it means' }).click();
    const help = await opened;
    await this.shown(help, 'help', 'Help with the sign-in');
    await help.getByLabel("Number on Microsoft's page").fill(message);
    await help.keyboard.press('Enter');
    await this.shown(help, 'help-assignment', 'Your organization lets only assigned people use this application', 'AADSTS50105');
    await page.context().close();
  }

  /** The whole way, from the invitation to the choice of groups; to the first button with the keyboard alone. */
  async connect(link, code) {
    const page = await this.person();
    await page.goto(link);
    await this.shown(page, 'invitation', 'Connect Northwind Bakeries', 'Northwind Telecom invites you', 'Global Administrator');
    await tabTo(page, page.getByLabel('Invitation Code'));
    await page.keyboard.type(code.toLowerCase());
    await tabTo(page, page.getByRole('button', { name: 'Complete' }));
    await page.keyboard.press('Enter');
    await this.atMicrosoft(page, this.admin);

    await this.shown(page, 'confirm-tenant', 'Is this the right organization?', this.tenant.displayName, 'Northwind Telecom');
    await tabTo(page, page.getByRole('button', { name: 'Confirm', exact: true }));
    await page.keyboard.press('Enter');

    await this.shown(page, 'second-consent', 'One more permission set', 'phone numbers of users', 'voice routing policies');
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'Every permission and its reason' }).click({ modifiers: ['Control'] });
    await this.shown(await opened, 'permissions', 'What we ask permission for, and why', 'user_impersonation');
    await page.bringToFront();
    await page.getByRole('button', { name: 'Continue to Microsoft' }).click();
    await this.atMicrosoft(page, this.admin);

    await this.shown(page, 'done', 'The connection to Microsoft is set up', 'asks to manage');
    await page.getByRole('link', { name: 'Sync User Groups' }).click();
    await this.shown(page, 'groups', 'Sync User Groups', this.tenant.displayName);
    await this.preview(page);
    await page.getByLabel(`Everyone in ${this.tenant.displayName}`).check();
    await page.getByRole('checkbox', { name: /^Accounting Security/ }).uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await this.shown(page, 'chosen', 'Your choice is saved', 'Sync Now');
    await page.context().close();
  }

  /** A look at a choice before it is saved, with the keyboard alone; what was chosen is still there afterwards. */
  async preview(page) {
    await page.getByLabel('Only members of the groups below').check();
    const accounting = page.getByRole('checkbox', { name: /^Accounting Security/ });
    await accounting.check();
    await tabTo(page, page.getByRole('button', { name: 'Preview' }));
    await page.keyboard.press('Enter');
    await this.shown(page, 'groups-preview', 'Sync User Groups', 'What this choice would mean', 'Nobody who is mapped would be out');
    check('what was ticked is still ticked', await accounting.isChecked());
    const inside = page.locator('summary', { hasText: /are in$/ });
    await inside.click();
    check('the first people are named', (await page.locator('details[open] li').count()) > 0);
  }

  /** What a run is started with; the page that asks for its sign-in. */
  async started(enterprise, form) {
    const api = await this.world.caller('global_admin', this.admin, { enterprise });
    const { body: run } = await api('POST', `/v1/enterprises/${enterprise}/runs`, form);
    const page = await this.person();
    await page.goto(run.signInUrl);
    const over = async () => {
      const state = await this.world.over(api, enterprise, run.id);
      check('the run succeeds', state === 'succeeded', state);
    };
    return { page, over, link: run.signInUrl };
  }

  async signedIn({ page, over }) {
    await page.getByRole('button', { name: 'Sync Now' }).click();
    await this.atMicrosoft(page, this.admin);
    await this.heading(page, 'The sync has begun');
    await over();
  }

  /** The Global Admin signs in for a sync that reads, and for one that gives a number; another administrator may not. */
  async sync(enterprise) {
    const reading = await this.started(enterprise, { kind: 'discover' });
    await this.shown(reading.page, 'sync-sign-in', 'Sync Administrator', 'that is linked already');
    await reading.page.getByRole('button', { name: 'Sync Now' }).click();
    await this.atMicrosoft(reading.page, this.tenant.globalAdmins[1]);
    await this.shown(reading.page, 'not-recorded', 'Somebody else is the Global Admin of this integration');
    await reading.page.context().close();
    reading.page = await this.person();
    await reading.page.goto(reading.link);
    await this.signedIn(reading);
    await reading.page.context().close();

    const path = `/v1/enterprises/${enterprise}`;
    const alex = await this.world.caller('account_admin', 'alex@customer.example', { enterprise });
    await this.world.clearOnPremises(this.tenant.id);
    const voiceUser = { id: 'v1', name: 'Reception', number: '+3227001001', extension: '1001' };
    await alex('PUT', `${path}/voice-users`, { items: [voiceUser] });
    const { body: people } = await alex('GET', `${path}/teams-users?limit=1`);
    const { etag } = await alex('GET', `${path}/mapping`);
    await alex('PUT', `${path}/mapping`, { rows: [{ voiceUser: 'v1', teamsUser: people.items[0].id }] }, etag);
    const mara = await this.world.caller('global_admin', this.admin, { enterprise });
    const { body: plan } = await mara('POST', `${path}/plans`, {});
    const giving = await this.started(enterprise, { kind: 'apply', plan: plan.id, mode: 'full' });
    await this.shown(giving.page, 'sync-sign-in-plan', 'Sync Administrator', 'What this sync changes', '+3227001001');
    await this.signedIn(giving);
    await this.shown(giving.page, 'syncing', 'The sync has begun', 'You can close this window');
    await giving.page.context().close();
  }

  /** Sync is disabled, the next sign-in is in another tenant, and its second consent is given for the organization. */
  async move(enterprise) {
    const path = `/v1/enterprises/${enterprise}`;
    const mara = await this.world.caller('global_admin', this.admin, { enterprise });
    const { etag } = await mara('GET', path);
    await mara('POST', `${path}/disable-sync`, undefined, etag);
    const admin = this.other.globalAdmins[0];
    const { page } = await this.started(enterprise, { kind: 'discover' });
    await this.shown(page, 'sync-sign-in-any-tenant', 'Sync Administrator', 'Sync was disabled', 'Linked so far');
    await page.getByRole('button', { name: 'Sync Now' }).click();
    await this.atMicrosoft(page, admin);
    await this.shown(page, 'move-tenant', 'Move Northwind Bakeries to another tenant?', this.tenant.displayName, this.other.displayName, 'of 1 user');
    await page.getByRole('button', { name: `Move to ${this.other.displayName}` }).click();

    await this.heading(page, 'One more permission set');
    await page.getByRole('button', { name: 'Accept for the whole organization' }).click();
    await this.atMicrosoft(page, admin);
    const waits = page.getByRole('link', { name: 'Look now' });
    const ready = page.getByRole('button', { name: 'Continue to Microsoft' });
    await waits.or(ready).waitFor();
    // How long Microsoft takes is not ours to say; the page that waits is looked at among all pages.
    if (await waits.isVisible()) {
      await this.world.pass(60);
      await waits.click();
    }
    await this.shown(page, 'accepted', 'Accepted for the whole organization', this.other.displayName);
    await ready.click();
    await this.atMicrosoft(page, admin);
    await this.shown(page, 'moved', 'The connection to Microsoft is set up', 'Sync User Groups');
    await page.context().close();
  }

  /** A link that has done its work. */
  async closed(link) {
    const page = await this.person();
    await page.goto(link);
    await this.shown(page, 'closed-link', 'This link cannot be used any more', 'Code for support: LINK_CLOSED');
    await page.context().close();
  }

  /** Help is found without a link, and nothing that is no number is repeated. */
  async helped() {
    const page = await this.person();
    const at = (path) => page.goto(new URL(path, this.world.urls.api).href);
    await at('/help/sign-in?code=call+me');
    await this.shown(page, 'help-not-a-number', 'Help with the sign-in', 'There is no number in what you typed');
    check('what was typed is not repeated', !(await page.content()).includes('call me'));
    await at('/help/POPUP_BLOCKED');
    await this.shown(page, 'help-pop-up', 'No sign-in window opened', 'Allow pop-ups in Firefox');
    await page.context().close();
  }
}

const [program, screenshots] = process.argv.slice(2);
try {
  await withWorld(program, (world) =>
    withChromium(async (browser) => {
      const story = new Story(world, browser, new Eye(screenshots));
      await story.tell();
      check('no window complains', story.watch.faults.length === 0, story.watch.faults);
      console.log(`${story.eye.seen} pages on the way were looked at on four screens in light and dark.`);
    }));
} catch (error) {
  if (!(error instanceof Wrong) && error.name !== 'TimeoutError') throw error;
  console.error(error.message);
  process.exitCode = 1;
}
