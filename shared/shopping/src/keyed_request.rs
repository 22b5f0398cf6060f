//! Requests with an idempotency key.

use cart::Token;
use store::IdempotencyKey;

/// A request that its client gave a key, so that sending it again has no further effect.
#[derive(Debug)]
pub struct KeyedRequest {
    /// The key.
    pub key: String,
    /// All that the request asks for: its endpoint, its body, and the headers that bear on the cart.
    pub content: Vec<Vec<u8>>,
    /// The client's IP address and user agent.
    pub client: Vec<String>,
}

impl KeyedRequest {
    /// The key under which the client's cart remembers the request.
    #[must_use]
    pub fn idempotency_key(&self) -> IdempotencyKey {
        IdempotencyKey::new(&self.key, self.content())
    }

    /// The key under which a cart-opening request is stored, scoped to its client.
    ///
    /// A key alone is no secret, and a careless front-end may give all shoppers the same. So keys are told apart by the
    /// token that the client brought, of a cart that is closed, and else by the client's address and user agent.
    pub(crate) fn opening_key(&self, token: Option<&Token>) -> IdempotencyKey {
        let scope = match token {
            Some(token) => vec![token.reveal()],
            None => self.client.clone(),
        };
        let name = std::iter::once(&self.key).chain(&scope).map(|part| format!("{}:{part}", part.len()));
        IdempotencyKey::new(&name.collect::<String>(), self.content())
    }

    /// The token of the cart that the request opens.
    pub(crate) fn token(&self, seed: [u8; 16]) -> Token {
        Token::of_key(&self.key, seed)
    }

    fn content(&self) -> impl Iterator<Item = &[u8]> {
        self.content.iter().map(Vec::as_slice)
    }
}
