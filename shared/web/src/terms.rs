//! On what terms a client wants its request carried out.

use cart::Token;
use lambda_http::RequestExt as _;
use lambda_http::http::header;
use lambda_http::request::RequestContext;
use store::IdempotencyKey;

use crate::{Error, Request};

/// The client's conditions, `If-Match` and `Idempotency-Key`.
#[derive(Debug)]
pub struct Terms {
    pub(crate) store: store::Preconditions,
    /// Whether the client insists on a cart, at whatever version: `If-Match: *`.
    pub(crate) any_cart: bool,
    pub(crate) named: Option<Named>,
}

/// A request that its client named, before it is known whose cart it is about.
#[derive(Debug)]
pub(crate) struct Named {
    key: String,
    /// What the request asks for: its endpoint, its body, and the headers that bear on the cart.
    parts: Vec<Vec<u8>>,
    /// Where it comes from, as far as that can be told: address and program.
    client: Vec<String>,
}

impl Terms {
    /// The header that names a request.
    pub const IDEMPOTENCY_KEY: &'static str = "Idempotency-Key";
    /// The longest name, in characters, as Stripe has it.
    const LONGEST_KEY: usize = 255;

    /// The terms of a request.
    ///
    /// # Errors
    ///
    /// [`Error::Header`] if `If-Match` is not an entity tag of ours, or `Idempotency-Key` is not 1 to 255 visible ASCII
    /// characters.
    pub fn of(request: &Request) -> Result<Self, Error> {
        let named = Named::of(request)?;
        let once = named.as_ref().map(|named| IdempotencyKey::new(&named.key, named.parts()));
        let (expected, any_cart) = match expected_version(request)? {
            None => (None, false),
            Some(Expected::Any) => (None, true),
            Some(Expected::Version(version)) => (Some(version), false),
        };
        Ok(Self { store: store::Preconditions { expected_version: expected, idempotency_key: once }, any_cart, named })
    }

    /// The version that the client insists on.
    #[must_use]
    pub fn expected(&self) -> Option<u64> {
        self.store.expected_version
    }

    /// The request's name within the client's cart.
    #[must_use]
    pub fn once(&self) -> Option<&IdempotencyKey> {
        self.store.idempotency_key.as_ref()
    }
}

impl Named {
    fn of(request: &Request) -> Result<Option<Self>, Error> {
        let name = Terms::IDEMPOTENCY_KEY;
        let Some(value) = crate::header(request.headers(), name) else { return Ok(None) };
        let key = visible(value).unwrap_or_default();
        if key.is_empty() || key.len() > Terms::LONGEST_KEY {
            return Err(Error::Header { name, problem: "must have 1 to 255 ASCII characters" });
        }
        // The path may have a segment in front.
        let endpoint = request.uri().path().rsplit('/').next().unwrap_or_default();
        let currency = ["x-currency", "x-moltin-currency"].map(|name| request.headers().get(name));
        let mut parts = vec![endpoint.as_bytes().to_vec(), request.body().to_vec()];
        parts.extend(currency.map(|value| value.map(|value| value.as_bytes().to_vec()).unwrap_or_default()));

        let address = request.request_context_ref().and_then(|context| match context {
            RequestContext::ApiGatewayV2(context) => context.http.source_ip.clone(),
            _ => None,
        });
        let program = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let client = vec![address.unwrap_or_default(), program.unwrap_or_default().to_owned()];
        Ok(Some(Self { key: key.to_owned(), parts, client }))
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(Vec::as_slice)
    }

    /// The name of a request that opens a cart, among those of everybody.
    ///
    /// A key alone is no secret, and a careless front-end may give all shoppers the same. So names are kept apart by the
    /// token that the client brought, of a cart that is closed, and else by the client's address and program.
    pub(crate) fn opening(&self, token: Option<&Token>) -> IdempotencyKey {
        let scope = match token {
            Some(token) => vec![token.reveal()],
            None => self.client.clone(),
        };
        let name = std::iter::once(&self.key).chain(&scope).map(|part| format!("{}:{part}", part.len()));
        IdempotencyKey::new(&name.collect::<String>(), self.parts())
    }

    /// The token of the cart that the request opens.
    pub(crate) fn token(&self, salt: [u8; 16]) -> Token {
        Token::of_key(&self.key, salt)
    }
}

/// The text of a header of visible ASCII characters.
fn visible(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok().filter(|text| text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic()))
}

/// What `If-Match` insists on.
enum Expected {
    /// Any cart at all.
    Any,
    Version(u64),
}

fn expected_version(request: &Request) -> Result<Option<Expected>, Error> {
    let problem = "is not the ETag of a cart";
    let Some(value) = crate::header(request.headers(), header::IF_MATCH) else { return Ok(None) };
    if value == b"*" {
        return Ok(Some(Expected::Any));
    }
    let text = visible(value).unwrap_or_default();
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|tag| tag.parse().ok());
    version.map(|version| Some(Expected::Version(version))).ok_or(Error::Header { name: "If-Match", problem })
}
