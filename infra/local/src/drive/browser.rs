//! A browser without scripts: follows links and redirects, keeps cookies by host, submits forms.

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use std::collections::BTreeMap;
use url::Url;

/// More redirects than any page here makes.
const REDIRECTS: usize = 10;

/// What is on the screen.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub html: String,
}

/// A browser with its cookies.
#[derive(Debug, Default)]
pub struct Browser {
    client: Option<Client>,
    cookies: BTreeMap<(String, u16), BTreeMap<String, String>>,
}

/// What went wrong on the way.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the page leads to no address: {0}")]
    Address(#[from] url::ParseError),
    #[error("the page has no such form: {0}")]
    NoForm(String),
    #[error("too many redirects")]
    Redirects,
}

impl Browser {
    fn client(&mut self) -> Result<Client, Lost> {
        if self.client.is_none() {
            self.client = Some(Client::builder().redirect(Policy::none()).build()?);
        }
        Ok(self.client.clone().unwrap_or_default())
    }

    /// Goes to an address.
    ///
    /// # Errors
    /// Where nothing answers.
    pub async fn open(&mut self, url: &Url) -> Result<Page, Lost> {
        self.go(Method::GET, url.clone(), None).await
    }

    /// Asks for an address without its content.
    ///
    /// # Errors
    /// Where nothing answers.
    pub async fn head(&mut self, url: &Url) -> Result<Page, Lost> {
        self.go(Method::HEAD, url.clone(), None).await
    }

    /// Presses the button of the page's form that posts to `action` (a part of it), with these fields.
    ///
    /// # Errors
    /// Where the page has no such form.
    pub async fn submit(&mut self, page: &Page, action: &str, fields: &[(&str, &str)]) -> Result<Page, Lost> {
        let (target, mut all) = page.form(action).ok_or_else(|| Lost::NoForm(action.to_owned()))?;
        all.retain(|(name, _)| !fields.iter().any(|(given, _)| given == name));
        all.extend(
            fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        self.go(Method::POST, page.url.join(&target)?, Some(all)).await
    }

    async fn go(&mut self, method: Method, url: Url, form: Option<Vec<(String, String)>>) -> Result<Page, Lost> {
        let (mut method, mut url, mut form) = (method, url, form);
        for _ in 0..REDIRECTS {
            let mut request = self.client()?.request(method.clone(), url.clone());
            if let Some(form) = &form {
                request = request.form(form);
            }
            let jar = self.cookies.entry(origin(&url)).or_default();
            if !jar.is_empty() {
                let line = jar
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<Vec<_>>()
                    .join("; ");
                request = request.header(COOKIE, line);
            }
            let response = request.send().await?;
            for cookie in response
                .headers()
                .get_all(SET_COOKIE)
                .iter()
                .filter_map(|value| value.to_str().ok())
            {
                if let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) {
                    self.cookies
                        .entry(origin(&url))
                        .or_default()
                        .insert(name.trim().to_owned(), value.trim().to_owned());
                }
            }
            let status = response.status();
            let to = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            match to {
                Some(to) if status.is_redirection() => {
                    url = url.join(&to)?;
                    if method != Method::HEAD {
                        method = Method::GET;
                    }
                    form = None;
                }
                _ => {
                    return Ok(Page {
                        url,
                        status,
                        html: response.text().await?,
                    });
                }
            }
        }
        Err(Lost::Redirects)
    }
}

fn origin(url: &Url) -> (String, u16) {
    (
        url.host_str().unwrap_or_default().to_owned(),
        url.port_or_known_default().unwrap_or_default(),
    )
}

impl Page {
    /// Whether the page says this.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        unescape(&self.html).contains(text)
    }

    /// The page's heading.
    #[must_use]
    pub fn heading(&self) -> String {
        let inner = self
            .html
            .split("<h1")
            .nth(1)
            .and_then(|rest| rest.split_once('>'))
            .and_then(|(_, rest)| rest.split("</h1>").next());
        unescape(inner.unwrap_or_default()).trim().to_owned()
    }

    /// The first link whose address contains `part`.
    #[must_use]
    pub fn link(&self, part: &str) -> Option<Url> {
        let links = self.html.split("<a ").skip(1).filter_map(|link| link.split('>').next());
        let found = links.filter_map(|link| attribute(link, "href"));
        let address = found.into_iter().find(|address| address.contains(part))?;
        self.url.join(&address).ok()
    }

    /// The first form whose action contains `part`: its address and its hidden fields.
    fn form(&self, part: &str) -> Option<(String, Vec<(String, String)>)> {
        let forms = self
            .html
            .split("<form")
            .skip(1)
            .filter_map(|form| form.split("</form>").next());
        let (action, form) = forms
            .filter_map(|form| Some((attribute(form, "action")?, form)))
            .find(|(action, _)| action.contains(part))?;
        let inputs = form.split("<input").skip(1).filter_map(|input| input.split('>').next());
        let hidden = inputs.filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let fields = hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
        Some((action, fields.collect()))
    }
}

/// The value of an attribute, quoted or not, in the first tag of `html`.
fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!("{name}="))?;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([' ', '>']).next(),
    };
    value.map(unescape)
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&#60;", "<")
        .replace("&gt;", ">")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}
