//! One enterprise's whole life, over HTTP only: what each person does, what they see, and a check of every step.

use crate::dialbridge::{Dialbridge, Options};
use crate::drive::api::{Answer, Api};
use crate::drive::browser::Browser;
use crate::drive::people::{
    Stuck, Tenant, admin_of, at_microsoft, caller, create_reseller, enterprise_form, invitation, mails, pass,
    sign_in_to_run, tenants,
};
use crate::world::Urls;
use serde_json::{Value, json};

const DAY: u32 = 86_400;
const LICENCES: u32 = 150;
const VOICE_USERS: usize = 200;
const ROWS_PER_SAVE: usize = 50;
const RESELLER_STAFF: &str = "rita@northwind.example";
const ACCOUNT_ADMIN: &str = "alex@customer.example";

type Done<T = ()> = Result<T, Stuck>;

/// Plays the story in a world of its own; ends well only if every step was as expected.
///
/// # Errors
/// The first step that was not.
pub async fn play(mut options: Options, say: fn(&str)) -> Done {
    options.world.skip_waits = true;
    let service = Dialbridge::start(options).await?;
    let urls = service.world.urls.clone();
    create_reseller(&urls).await?;
    let tenant = tenants(&urls)
        .await?
        .into_iter()
        .next()
        .ok_or("the simulated Microsoft has no tenant")?;
    let mut story = Story {
        urls,
        tenant,
        enterprise: String::new(),
        say,
        step: 0,
    };
    story.create().await?;
    story.connect().await?;
    story.choose_groups().await?;
    story.first_sync().await?;
    story.push_voice_users().await?;
    story.clear_on_premises().await?;
    story.map().await?;
    story.reminders().await?;
    story.sync().await?;
    story.silence().await?;
    story.leaver().await?;
    (story.say)("\nEvery step was as it should be.");
    Ok(())
}

/// The first enterprise of the local reseller, created where there is none: its Global Admin has an invitation.
///
/// # Errors
/// Where the API refuses.
pub async fn first_enterprise(urls: &Urls) -> Done<String> {
    let reseller = caller(urls, "reseller_admin", RESELLER_STAFF, None).await?;
    let known = reseller.get("/v1/enterprises?limit=1").await?;
    ok(&known)?;
    if let Some(id) = known.body.pointer("/items/0/id").and_then(Value::as_str) {
        return Ok(id.to_owned());
    }
    let tenant = tenants(urls)
        .await?
        .into_iter()
        .next()
        .ok_or("the simulated Microsoft has no tenant")?;
    let created = reseller
        .post("/v1/enterprises", &enterprise_form(&tenant, Some(LICENCES)))
        .await?;
    ok(&created)?;
    Ok(created.text("/id").to_owned())
}

/// What `cargo run` prints.
///
/// # Errors
/// Where the world does not answer.
pub async fn where_to_click(service: &Dialbridge, enterprise: &str) -> Done<Vec<String>> {
    let urls = &service.world.urls;
    let tenant = tenants(urls)
        .await?
        .into_iter()
        .next()
        .ok_or("the simulated Microsoft has no tenant")?;
    let admin = admin_of(&tenant);
    let mut lines = vec![
        format!("Start page, clock, tokens   {}", urls.portal),
        format!(
            "Mailbox                     {}mailbox   (an invitation waits there)",
            urls.portal
        ),
        format!(
            "API                         {}v1/   (routes: infra/openapi.json)",
            urls.api
        ),
        format!(
            "Simulated Microsoft         {}   (what there is: {}_microsoft/tenants)",
            urls.login, urls.portal
        ),
        String::new(),
        format!("Enterprise                  {enterprise}  {}", tenant.display_name),
        format!(
            "Its tenant                  {}, {} users",
            tenant.initial_domain, tenant.users
        ),
        format!("Its Global Admin            {admin}   (no password: pick the account)"),
        format!("Somebody without a role     {}", tenant.ordinary_user),
    ];
    for (who, role, email) in [
        ("reseller", "reseller_admin", RESELLER_STAFF),
        ("account admin", "account_admin", ACCOUNT_ADMIN),
        ("Global Admin", "global_admin", admin),
    ] {
        let token = caller(urls, role, email, Some(enterprise)).await?;
        lines.push(format!("\nToken of the {who}, for an hour\n{}", token.token()));
    }
    lines.push(format!(
        "\nTry   curl {}v1/enterprises/{enterprise}/status -H 'Authorization: Bearer …'\n\nCtrl-C stops everything.",
        urls.api
    ));
    Ok(lines)
}

struct Story {
    urls: Urls,
    tenant: Tenant,
    enterprise: String,
    say: fn(&str),
    step: usize,
}

/// A step that was not as expected.
fn check(what: &str, holds: bool, seen: impl std::fmt::Display) -> Done {
    if holds {
        Ok(())
    } else {
        Err(format!("not as it should be: {what}. Seen: {seen}").into())
    }
}

fn ok(answer: &Answer) -> Done {
    check(
        "the API answers well",
        answer.status.is_success(),
        format!("{} {}", answer.status, answer.body),
    )
}

impl Story {
    fn tell(&mut self, line: &str) {
        self.step += 1;
        (self.say)(&format!("{:2}. {line}", self.step));
    }

    fn quote(&self, line: &str) {
        (self.say)(&format!("      {line}"));
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/enterprises/{}{rest}", self.enterprise)
    }

    fn admin(&self) -> String {
        admin_of(&self.tenant).to_owned()
    }

    /// Tokens last an hour of the world's time, so each chapter takes new ones.
    async fn global_admin(&self) -> Done<Api> {
        caller(&self.urls, "global_admin", &self.admin(), Some(&self.enterprise)).await
    }

    async fn account_admin(&self) -> Done<Api> {
        caller(&self.urls, "account_admin", ACCOUNT_ADMIN, Some(&self.enterprise)).await
    }

    async fn status(&self) -> Done<Answer> {
        let status = self.account_admin().await?.get(&self.path("/status")).await?;
        ok(&status)?;
        Ok(status)
    }

    async fn create(&mut self) -> Done {
        let reseller = caller(&self.urls, "reseller_admin", RESELLER_STAFF, None).await?;
        let form = enterprise_form(&self.tenant, Some(LICENCES));
        let created = reseller.post("/v1/enterprises", &form).await?;
        check("the enterprise is created", created.status == 201, &created.body)?;
        self.enterprise = created.text("/id").to_owned();
        for field in [
            "name",
            "userLimit",
            "pbxMusicOnHold",
            "accessSipData",
            "sbcRegions",
            "services",
            "pbxTypes",
            "timeZone",
            "billingReference",
        ] {
            check(field, created.body[field] == form[field], &created.body[field])?;
        }
        let name = self.tenant.display_name.clone();
        self.tell(&format!(
            "The reseller creates the enterprise {name}: {LICENCES} users, Europe, PBX and Trunk, {}",
            form["timeZone"]
        ));
        let status = self.status().await?;
        check(
            "status is Integration Pending",
            status.text("/integration") == "Integration Pending",
            &status.body,
        )?;
        self.quote(&format!(
            "{} · {}",
            status.text("/integration"),
            status.text("/nextStep")
        ));
        Ok(())
    }

    async fn connect(&mut self) -> Done {
        let admin = self.admin();
        let (code, link) = invitation(&self.urls, &admin).await?;
        self.tell(&format!(
            "{admin} has mail: the Invitation Code {code} and the link Complete"
        ));
        let mut browser = Browser::default();
        let page = browser.open(&link).await?;
        check(
            "the page asks for the code",
            page.status == 200 && page.says("Invitation Code"),
            &page.html,
        )?;
        let wrong = browser.submit(&page, "/i/", &[("code", "WRONG-CODES")]).await?;
        check(
            "a wrong code is refused",
            wrong.status == 403 && wrong.says("4 tries are left"),
            wrong.heading(),
        )?;
        let page = browser.submit(&page, "/i/", &[("code", &code)]).await?;
        check(
            "Microsoft asks for the account",
            page.url.port() == self.urls.login.port(),
            &page.url,
        )?;
        self.tell("The code is right; on to Microsoft: pick the account, tick the box for the organisation, accept the first permissions");
        let page = at_microsoft(&mut browser, page, &admin).await?;
        check(
            "the tenant is shown before it is bound",
            page.url.path() == "/setup" && page.says(&self.tenant.display_name),
            page.heading(),
        )?;
        self.tell(&format!(
            "Role Global Administrator verified. The page shows the tenant {} to confirm: {}",
            self.tenant.initial_domain,
            page.heading()
        ));
        let page = browser
            .submit(&page, "/setup/tenant", &[("decision", "confirm")])
            .await?;
        self.tell(&format!("Bound. The page says: {}", page.heading()));
        let page = browser.submit(&page, "/setup/consent", &[]).await?;
        let page = at_microsoft(&mut browser, page, &admin).await?;
        check("the set-up is complete", page.says("is set up"), page.heading())?;
        self.tell(&format!(
            "Signed in again, second permissions accepted: {}",
            page.heading()
        ));
        let reseller = caller(&self.urls, "reseller_admin", RESELLER_STAFF, None).await?;
        let enterprise = reseller.get(&self.path("")).await?;
        let consents =
            ["/setup/signInConsent", "/setup/callingConsent"].map(|consent| enterprise.text(consent).to_owned());
        check(
            "both permission sets are granted",
            consents == ["granted", "granted"],
            &enterprise.body,
        )?;
        check(
            "the invitation is accepted",
            enterprise.text("/invitation/state") == "accepted",
            &enterprise.body,
        )?;
        let again = Browser::default().open(&link).await?;
        check("the link is used up", again.status == 403, again.heading())
    }

    async fn choose_groups(&mut self) -> Done {
        let api = self.global_admin().await?;
        let early = api.post(&self.path("/runs"), &json!({ "kind": "discover" })).await?;
        check("no sync before somebody has chosen", early.status == 409, &early.body)?;
        let groups = api.get(&self.path("/groups")).await?;
        ok(&groups)?;
        let id = |name: &str| {
            groups
                .list("/items")
                .iter()
                .find(|group| group["name"] == name)
                .map(|group| group["id"].clone())
        };
        let everyone = id("All Users").ok_or("the tenant has no group All Users")?;
        let filter = api.get(&self.path("/group-filter")).await?;
        let refused = api
            .put(
                &self.path("/group-filter"),
                &json!({ "mode": "groups", "groups": [everyone] }),
                filter.etag.as_deref(),
            )
            .await?;
        check("All Users cannot be chosen", refused.status == 422, &refused.body)?;
        let two: Vec<Value> = ["Accounting", "Billing"].into_iter().filter_map(id).collect();
        let chosen = api
            .put(
                &self.path("/group-filter"),
                &json!({ "mode": "groups", "groups": two }),
                filter.etag.as_deref(),
            )
            .await?;
        ok(&chosen)?;
        check("two groups are chosen", chosen.list("/groups").len() == 2, &chosen.body)?;
        self.tell(&format!(
            "The Global Admin chooses whose users are synchronised: Accounting and Billing, out of {} groups",
            groups.list("/items").len()
        ));
        Ok(())
    }

    /// Starts a run, signs in to it, and waits for its end.
    async fn run(&mut self, form: Value) -> Done<Answer> {
        let api = self.global_admin().await?;
        let started = api.post(&self.path("/runs"), &form).await?;
        check(
            "the run waits for its sign-in",
            started.status == 201 && started.text("/state") == "awaitingSignIn",
            &started.body,
        )?;
        let page = sign_in_to_run(&started, &self.admin()).await?;
        check("the sync has begun", page.says("The sync has begun"), page.heading())?;
        // Moving the clock returns when everything that was due on the way has been done.
        for _ in 0..60 {
            let run = self
                .global_admin()
                .await?
                .get(&self.path(&format!("/runs/{}", started.text("/id"))))
                .await?;
            if ["succeeded", "failed", "awaitingSignIn"].contains(&run.text("/state")) {
                return Ok(run);
            }
            pass(&self.urls, 5).await?;
        }
        Err("the run does not end".into())
    }

    async fn log(&self, run: &Answer) -> Done<Vec<String>> {
        let log = self
            .global_admin()
            .await?
            .get(&self.path(&format!("/runs/{}/log", run.text("/id"))))
            .await?;
        Ok(log
            .list("/lines")
            .iter()
            .filter_map(|line| line["text"].as_str().map(str::to_owned))
            .collect())
    }

    async fn candidates(&self) -> Done<Vec<Value>> {
        let api = self.account_admin().await?;
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = api.get(&self.path(&format!("/teams-users?limit=500{cursor}"))).await?;
            ok(&page)?;
            found.extend_from_slice(page.list("/items"));
            match page.text("/next") {
                "" => return Ok(found),
                next => cursor = format!("&cursor={next}"),
            }
        }
    }

    async fn first_sync(&mut self) -> Done {
        let run = self.run(json!({ "kind": "discover" })).await?;
        check("the first sync succeeds", run.text("/state") == "succeeded", &run.body)?;
        self.tell("First sync: signed in once more, the directory is read");
        let log = self.log(&run).await?;
        for line in &log {
            self.quote(line);
        }
        let candidates = self.candidates().await?.len();
        let found = log
            .iter()
            .find_map(|line| counted(line))
            .ok_or("the log has no result line")?;
        check(
            "the log counts what is stored",
            found == candidates,
            format!("{found} in the log, {candidates} stored"),
        )?;
        check(
            "the filter is logged first",
            log.first()
                .is_some_and(|line| line.contains("Applying filter for group 'Accounting, Billing': include ")),
            format!("{log:?}"),
        )?;
        check(
            "there are enough users to map",
            candidates > LICENCES as usize,
            candidates,
        )
    }

    async fn push_voice_users(&mut self) -> Done {
        let handling = ["voicemail", "noVoicemail", "noVoicemailNoForwarding"];
        let user = |n: usize| {
            json!({ "id": format!("v{n:03}"), "name": format!("Voice User {n:03}"), "email": format!("user{n:03}@{}", "voice.example"),
                "number": format!("+3227001{n:03}"), "extension": format!("{}", 1000 + n), "callHandling": handling[n % 3] })
        };
        let items: Vec<Value> = (0..VOICE_USERS).map(user).collect();
        let api = self.account_admin().await?;
        let pushed = api
            .put(&self.path("/voice-users"), &json!({ "items": items }), None)
            .await?;
        check(
            "200 voice users are created",
            pushed.number("/created") == Some(VOICE_USERS as u64),
            &pushed.body,
        )?;
        let again = api
            .put(&self.path("/voice-users"), &json!({ "items": items }), None)
            .await?;
        check(
            "the same push changes nothing",
            again.number("/unchanged") == Some(VOICE_USERS as u64),
            &again.body,
        )?;
        let page = api.get(&self.path("/mapping")).await?;
        check(
            "ten to a page",
            page.list("/rows").len() == 10 && page.text("/range") == "1 – 10 of 200",
            &page.body,
        )?;
        self.tell(&format!(
            "The voice platform pushes {VOICE_USERS} voice users; the mapping page shows {}",
            page.text("/range")
        ));
        Ok(())
    }

    /// What the troubleshooting chapter asks of the customer's IT: numbers that the on-premises directory sets are cleared.
    async fn clear_on_premises(&mut self) -> Done {
        let client = reqwest::Client::new();
        let url = self
            .urls
            .portal
            .join(&format!("/_microsoft/tenants/{}/numbers", self.tenant.id))?;
        let numbers: Value = client.get(url.clone()).send().await?.json().await?;
        let set = numbers
            .as_array()
            .into_iter()
            .flatten()
            .filter(|number| number["onPremises"] == true);
        let mut cleared = 0;
        for number in set {
            let order = json!({ "number": number["telephoneNumber"], "deleted": true });
            client.post(url.clone()).json(&order).send().await?.error_for_status()?;
            cleared += 1;
        }
        self.tell(&format!(
            "The customer's IT clears msRTCSIP-Line of {cleared} people on-premises, as the help says"
        ));
        Ok(())
    }

    async fn map(&mut self) -> Done {
        let candidates = self.candidates().await?;
        let api = self.account_admin().await?;
        let row = |n: usize| json!({ "voiceUser": format!("v{n:03}"), "teamsUser": candidates[n]["id"] });
        for first in (0..LICENCES as usize).step_by(ROWS_PER_SAVE) {
            let page = api.get(&self.path("/mapping")).await?;
            let rows: Vec<Value> = (first..first + ROWS_PER_SAVE).map(row).collect();
            let saved = api
                .put(&self.path("/mapping"), &json!({ "rows": rows }), page.etag.as_deref())
                .await?;
            ok(&saved)?;
        }
        let page = api.get(&self.path("/mapping")).await?;
        check(
            "all licences are used",
            page.number("/licences/used") == Some(u64::from(LICENCES)),
            &page.body["licences"],
        )?;
        let one_more = json!({ "rows": [row(LICENCES as usize)] });
        let refused = api.put(&self.path("/mapping"), &one_more, page.etag.as_deref()).await?;
        check(
            "one too many is refused",
            refused.status == 409 && refused.text("/code") == "over-license",
            &refused.body,
        )?;
        self.tell(&format!(
            "The account admin maps {LICENCES} users, up to the limit; one more is refused"
        ));
        self.quote(refused.text("/detail"));
        let status = self.status().await?;
        check(
            "Action Needed is Sync Needed",
            status.text("/actionNeeded") == "Sync Needed",
            &status.body,
        )?;
        check(
            "the button says so",
            status.text("/buttons/integrationPortal") == "Sync Now - Changes Queued",
            &status.body,
        )?;
        self.tell(&format!(
            "Action Needed: {} · button {} · nothing has changed in Teams",
            status.text("/actionNeeded"),
            status.text("/buttons/integrationPortal")
        ));
        Ok(())
    }

    async fn reminders(&mut self) -> Done {
        let before = mails(&self.urls, &self.admin()).await?.len();
        for day in 1..=2 {
            pass(&self.urls, DAY).await?;
            let mails = mails(&self.urls, &self.admin()).await?;
            check("one reminder a day", mails.len() == before + day, mails.len() - before)?;
            let reminder = mails.last().ok_or("no mail")?;
            check(
                "it is E2",
                reminder.subject == "Sync required to update the Microsoft Teams integration",
                &reminder.subject,
            )?;
            self.tell(&format!("A day passes: one reminder, “{}”", reminder.subject));
        }
        Ok(())
    }

    async fn sync(&mut self) -> Done {
        let api = self.global_admin().await?;
        let plan = api.post(&self.path("/plans"), &json!({})).await?;
        check("a plan is made", plan.status == 201, &plan.body)?;
        let (lines, changes) = (plan.list("/text"), plan.list("/changes"));
        check(
            "it assigns a number to each",
            changes.len() == 3 * LICENCES as usize,
            changes.len(),
        )?;
        self.tell(&format!(
            "The plan is shown before anybody signs in: {} changes, such as",
            changes.len()
        ));
        // What is done with the tenant's own objects comes before the changes.
        for line in lines[lines.len() - changes.len()..]
            .iter()
            .step_by(LICENCES as usize)
            .take(3)
            .filter_map(Value::as_str)
        {
            self.quote(line);
        }
        let run = self
            .run(json!({ "kind": "apply", "plan": plan.text("/id"), "mode": "full" }))
            .await?;
        check(
            "the sync succeeds",
            run.text("/state") == "succeeded",
            format!("{} {}", run.text("/state"), run.body["findings"]),
        )?;
        let users = run.list("/users");
        let applied = |user: &&Value| {
            user["changes"]
                .as_array()
                .is_some_and(|changes| changes.iter().all(|change| change["state"] == "applied"))
        };
        check(
            "every user is applied and read back",
            users.iter().filter(applied).count() == LICENCES as usize,
            users.len(),
        )?;
        let log = self.log(&run).await?;
        self.tell(&format!(
            "The Global Admin signs in; numbers and policies of {} users are applied and read back ({} log lines)",
            users.len(),
            log.len()
        ));
        for line in log
            .iter()
            .filter(|line| line.contains("created") || line.contains("PLAN>") || line.contains("SYNC>"))
        {
            self.quote(line);
        }
        self.in_teams(LICENCES as usize).await?;
        let status = self.status().await?;
        let card = [
            status.text("/lastSyncStatus"),
            status.text("/actionNeeded"),
            status.text("/syncStatus"),
        ];
        check(
            "the status card is green",
            card == ["Successful", "None", "Up to date"],
            &status.body,
        )?;
        self.tell(&format!(
            "Last sync: {} · Last Sync Status: {} · Action Needed: {}",
            status.text("/lastSync"),
            card[0],
            card[1]
        ));
        Ok(())
    }

    /// What the simulated Teams has, asked of Microsoft and not of us.
    async fn in_teams(&self, numbers: usize) -> Done {
        let url = self
            .urls
            .portal
            .join(&format!("/_microsoft/tenants/{}/numbers", self.tenant.id))?;
        let seen: Value = reqwest::Client::new().get(url).send().await?.json().await?;
        let ours = |number: &&Value| {
            number["telephoneNumber"]
                .as_str()
                .is_some_and(|number| number.starts_with("+3227001"))
                && !number["holder"].is_null()
        };
        let held = seen.as_array().map_or(0, |all| all.iter().filter(ours).count());
        check("Teams has the numbers", held == numbers, held)
    }

    async fn silence(&mut self) -> Done {
        let before = mails(&self.urls, &self.admin()).await?.len();
        pass(&self.urls, DAY).await?;
        let after = mails(&self.urls, &self.admin()).await?.len();
        check("no reminder after a successful sync", before == after, after - before)?;
        self.tell("The next day brings no reminder");
        Ok(())
    }

    async fn leaver(&mut self) -> Done {
        let candidates = self.candidates().await?;
        let next = json!({ "rows": [{ "voiceUser": "v199", "teamsUser": candidates[LICENCES as usize]["id"] }] });
        let api = self.account_admin().await?;
        let page = api.get(&self.path("/mapping")).await?;
        let saved = api
            .put(
                &self.path("/mapping"),
                &json!({ "rows": [{ "voiceUser": "v000", "teamsUser": null }] }),
                page.etag.as_deref(),
            )
            .await?;
        ok(&saved)?;
        let page = api.get(&self.path("/mapping")).await?;
        check(
            "the freed licence is still used",
            page.number("/licences/pendingRelease") == Some(1),
            &page.body["licences"],
        )?;
        let refused = api.put(&self.path("/mapping"), &next, page.etag.as_deref()).await?;
        check("it cannot be given on yet", refused.status == 409, &refused.body)?;
        self.tell("Somebody leaves: set to None and saved; the licence stays taken until the next sync");
        let run = self.run(json!({ "kind": "apply", "mode": "full" })).await?;
        check("the sync succeeds", run.text("/state") == "succeeded", &run.body)?;
        self.in_teams(LICENCES as usize - 1).await?;
        let api = self.account_admin().await?;
        let page = api.get(&self.path("/mapping")).await?;
        let saved = api.put(&self.path("/mapping"), &next, page.etag.as_deref()).await?;
        ok(&saved)?;
        self.tell("After that sync the licence is free and goes to the next user");
        Ok(())
    }
}

/// The users that a result line leaves for mapping.
fn counted(line: &str) -> Option<usize> {
    let (_, rest) = line.split_once("> Found ")?;
    let found: usize = rest.split(' ').next()?.parse().ok()?;
    let excluded = rest
        .split_once("of which ")
        .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok())
        .unwrap_or(0);
    Some(found - excluded)
}
