//! Our side of the sign-in, unchanged, against an `OpenID` provider that others wrote (`server.mjs`, which starts this and
//! says in the last argument where it is). Every line of the output is one thing that held; the first that does not ends it.

use dialbridge_local::drive::browser::Browser;
use serde::Deserialize;
use shared::domain::ids::{ClientId, TeamsUserId, TenantId};
use shared::domain::secret::Secret;
use shared::error::{Error, SignInRefused};
use shared::io::chance::Chance;
use shared::io::clock::Clock;
use shared::io::graph::{Authorize, Challenge, Prompt, Redeem, Renew, SignIn, SignedIn, callback_refusal};
use std::io::Write;
use url::Url;

type Failure = Box<dyn std::error::Error>;

/// The server, as it describes itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    login: Url,
    redirect_uri: Url,
    client_id: ClientId,
    client_secret: String,
    people: Vec<Person>,
}

/// Somebody who can sign in.
#[derive(Deserialize)]
struct Person {
    account: String,
    tid: TenantId,
    oid: TeamsUserId,
    name: String,
}

/// Who signs in, and on which tenant's path.
#[derive(Clone, Copy)]
struct Ask<'a> {
    person: &'a Person,
    tenant: Option<&'a TenantId>,
    prompt: Prompt,
}

/// What came back from the server's pages, and what we kept meanwhile.
struct Back {
    tenant: Option<TenantId>,
    code: Secret,
    challenge: Challenge,
    nonce: String,
}

struct Story {
    about: About,
    sign_in: SignIn,
    secret: Secret,
    held: usize,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let argument = std::env::args().next_back().unwrap_or_default();
    let about: About = serde_json::from_str(&argument).map_err(|_| "start it through .ci/relying-party")?;
    let story = Story {
        sign_in: SignIn::new(&about.login, about.client_id.clone(), about.redirect_uri.clone()),
        secret: Secret::new(about.client_secret.clone()),
        about,
        held: 0,
    };
    story.tell().await
}

impl Story {
    async fn tell(mut self) -> Result<(), Failure> {
        self.people_sign_in().await?;
        self.codes_are_worth_something_once().await?;
        self.codes_are_worth_nothing_to_others().await?;
        self.the_server_wants_a_challenge().await?;
        self.sessions_are_renewed().await?;
        self.the_application_gets_tokens_of_its_own().await?;
        let mut out = std::io::stdout();
        writeln!(out, "{} things held against oidc-provider", self.held)?;
        Ok(())
    }

    async fn people_sign_in(&mut self) -> Result<(), Failure> {
        let [first, second] = [0, 1].map(|at| &self.about.people[at]);
        let mut seen = Vec::new();
        for (person, tenant) in [(first, None), (first, Some(&first.tid)), (second, Some(&second.tid))] {
            let back = self.sent_back(ask(person, tenant)).await?;
            let signed_in = self.redeem(&back).await?;
            let identity = &signed_in.claims.identity;
            let right = identity.tenant == person.tid && identity.user == person.oid;
            let named = signed_in.claims.name == person.name && signed_in.claims.preferred_username == person.account;
            seen.push((right && named, signed_in.scopes.contains("User.Read")));
        }
        for (what, (known, scoped)) in ["`organizations`", "their tenant's path", "another tenant's path"]
            .iter()
            .zip(seen)
        {
            self.holds(&format!("on {what} a person signs in with a verified ID token"), known)?;
            self.holds(&format!("on {what} the granted permissions are named"), scoped)?;
        }
        Ok(())
    }

    async fn codes_are_worth_something_once(&mut self) -> Result<(), Failure> {
        let person = &self.about.people[0];
        let back = self.sent_back(ask(person, Some(&person.tid))).await?;
        let first = self.redeem(&back).await.is_ok();
        let again = self.redeem(&back).await;
        self.holds("a code is redeemed", first)?;
        self.refused("a replayed code", again, "invalid_grant")
    }

    async fn codes_are_worth_nothing_to_others(&mut self) -> Result<(), Failure> {
        let [person, other] = [0, 1].map(|at| &self.about.people[at]);
        let path = Some(&person.tid);
        let mut results = Vec::new();

        let mut back = self.sent_back(ask(person, path)).await?;
        back.challenge = Challenge::new(Chance.bytes());
        results.push((
            "a code with another verifier",
            self.redeem(&back).await,
            "invalid_grant",
        ));

        let mut back = self.sent_back(ask(person, path)).await?;
        back.tenant = Some(other.tid.clone());
        results.push((
            "a code of another tenant's path",
            self.redeem(&back).await,
            "invalid_grant",
        ));

        let back = self.sent_back(ask(person, path)).await?;
        let elsewhere = SignIn::new(
            &self.about.login,
            self.about.client_id.clone(),
            self.about.redirect_uri.join("/signin/other")?,
        );
        let redeemed = self
            .redeem_at(&elsewhere, &self.about.client_id, &self.secret, &back)
            .await;
        results.push(("a code for another return address", redeemed, "invalid_grant"));

        let back = self.sent_back(ask(person, path)).await?;
        let wrong = Secret::new("wrong".into());
        let redeemed = self
            .redeem_at(&self.sign_in, &self.about.client_id, &wrong, &back)
            .await;
        results.push(("a code with a wrong client secret", redeemed, "invalid_client"));

        let stranger: ClientId = other.oid.as_str().parse()?;
        let redeemed = self.redeem_at(&self.sign_in, &stranger, &self.secret, &back).await;
        results.push(("a code by an unknown application", redeemed, "invalid_client"));

        let mut back = self.sent_back(ask(person, path)).await?;
        back.nonce = "another".into();
        results.push((
            "an ID token with another nonce",
            self.redeem(&back).await,
            "it answers another request",
        ));

        for (what, result, why) in results {
            self.refused(what, result, why)?;
        }
        Ok(())
    }

    async fn the_server_wants_a_challenge(&mut self) -> Result<(), Failure> {
        let person = &self.about.people[0];
        let mut url = self.address(ask(person, None), "state", "nonce", &Challenge::new(Chance.bytes()));
        let without: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !name.starts_with("code_challenge"))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(without);
        let page = Browser::default().open(&url).await?;
        let error = parameter(&page.url, "error").unwrap_or_default();
        self.holds("without a challenge there is no code", error == "invalid_request")?;

        let person = &self.about.people[0];
        let url = self.address(ask(person, None), "state", "nonce", &Challenge::new(Chance.bytes()));
        let mut browser = Browser::default();
        let page = browser.open(&url).await?;
        let abort = page.link("/abort").ok_or("the page has no way out")?;
        let page = browser.open(&abort).await?;
        let said = |name: &str| parameter(&page.url, name).unwrap_or_default();
        let why = callback_refusal(&said("error"), &said("error_description"));
        self.holds(
            "who cancels comes back as one who declined",
            why == SignInRefused::Declined,
        )
    }

    async fn sessions_are_renewed(&mut self) -> Result<(), Failure> {
        let person = &self.about.people[0];
        let consent = Ask {
            prompt: Prompt::Consent,
            ..ask(person, Some(&person.tid))
        };
        let back = self.sent_back(consent).await?;
        let refresh = self.redeem(&back).await?.refresh.ok_or("there is no refresh token")?;
        let renew = Renew {
            application: &self.about.client_id,
            client_secret: &self.secret,
            tenant: &person.tid,
            refresh_token: &refresh,
            scope: "User.Read",
        };
        let now = Clock::default().now();
        let (token, _) = self.sign_in.token_for(&renew, now).await?;
        let made_up = Renew {
            refresh_token: &Secret::new("made-up".into()),
            ..renew
        };
        let refused = self.sign_in.token_for(&made_up, now).await;
        self.holds("a session is renewed", token.expires() > now)?;
        self.holds("a made-up session is over", matches!(refused, Err(Error::TokenExpired)))
    }

    async fn the_application_gets_tokens_of_its_own(&mut self) -> Result<(), Failure> {
        let (tenant, id, now) = (&self.about.people[0].tid, &self.about.client_id, Clock::default().now());
        let resource = "https://graph.microsoft.com";
        let token = self.sign_in.app_token(id, &self.secret, tenant, resource, now).await?;
        let wrong = Secret::new("wrong".into());
        let refused = self.sign_in.app_token(id, &wrong, tenant, resource, now).await;
        self.holds("the application gets a token without a person", token.expires() > now)?;
        self.refused("the application with a wrong secret", refused, "invalid_client")
    }

    fn address(&self, ask: Ask<'_>, state: &str, nonce: &str, challenge: &Challenge) -> Url {
        self.sign_in.authorize_url(&Authorize {
            application: &self.about.client_id,
            tenant: ask.tenant,
            scopes: &scopes(),
            state,
            nonce,
            challenge: &challenge.challenge,
            prompt: Some(ask.prompt),
            login_hint: None,
        })
    }

    /// Signs in on the server's pages and accepts.
    async fn sent_back(&self, ask: Ask<'_>) -> Result<Back, Failure> {
        let (state, nonce) = (Chance.token::<32>(), Chance.token::<32>());
        let challenge = Challenge::new(Chance.bytes());
        let mut browser = Browser::default();
        let page = browser.open(&self.address(ask, &state, &nonce, &challenge)).await?;
        let person = [("login", ask.person.account.as_str()), ("password", "any")];
        let page = browser.submit(&page, "/interaction/", &person).await?;
        let page = browser.submit(&page, "/interaction/", &[]).await?;
        if parameter(&page.url, "state").as_deref() != Some(&state) {
            return Err(format!("the state did not come back: {} {}", page.url, page.html).into());
        }
        let code = parameter(&page.url, "code").ok_or_else(|| format!("there is no code: {}", page.url))?;
        Ok(Back {
            tenant: ask.tenant.cloned(),
            code: Secret::new(code),
            challenge,
            nonce,
        })
    }

    async fn redeem(&self, back: &Back) -> shared::Result<SignedIn> {
        self.redeem_at(&self.sign_in, &self.about.client_id, &self.secret, back)
            .await
    }

    async fn redeem_at(
        &self,
        sign_in: &SignIn,
        application: &ClientId,
        client_secret: &Secret,
        back: &Back,
    ) -> shared::Result<SignedIn> {
        let ask = Redeem {
            application,
            client_secret,
            tenant: back.tenant.as_ref(),
            code: &back.code,
            verifier: &back.challenge.verifier,
            scopes: &scopes(),
            nonce: &back.nonce,
        };
        sign_in.redeem(&ask, Clock::default().now()).await
    }

    fn holds(&mut self, what: &str, held: bool) -> Result<(), Failure> {
        if !held {
            return Err(format!("does not hold: {what}").into());
        }
        self.held += 1;
        Ok(writeln!(std::io::stdout(), "held: {what}")?)
    }

    fn refused<T>(&mut self, what: &str, result: shared::Result<T>, why: &str) -> Result<(), Failure> {
        let said = match result {
            Ok(_) => return Err(format!("accepted: {what}").into()),
            Err(error) => error.to_string(),
        };
        self.holds(&format!("{what} is refused ({why})"), said.contains(why))
            .map_err(|_| format!("{what}: {said}, not {why}").into())
    }
}

fn ask<'a>(person: &'a Person, tenant: Option<&'a TenantId>) -> Ask<'a> {
    let prompt = Prompt::Login;
    Ask { person, tenant, prompt }
}

fn scopes() -> [String; 4] {
    ["openid", "profile", "offline_access", "User.Read"].map(str::to_owned)
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
