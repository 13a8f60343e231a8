//! Why a call has no answer, by stable code. Invariant: a refusal never reached the service and is never retried.

use crate::engine::call::CallError;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident),* $(,)?) => {
        /// The stable codes of calls without an answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code { $($(#[$doc])* $code),* }

        impl Code {
            fn as_str(self) -> &'static str {
                match self { $(Self::$code => stringify!($code)),* }
            }
        }
    };
}

codes! {
    /// A service is to call back, and nothing outside reaches this Riposte.
    CallbackUrlUnavailable,
    /// The playbook's namespace has no such ApiConnection.
    ConnectionNotFound,
    /// The connector has no such operation.
    OperationNotFound,
    /// The connection gives no value for a parameter that the connector needs.
    ConnectionParameterMissing,
    /// Riposte does not know this way to authenticate.
    AuthenticationNotSupported,
    /// The token endpoint gives no token.
    TokenRefused,
    /// The call cannot be put on the wire.
    InvalidRequest,
    /// The guard refuses host, scheme or address.
    EgressDenied,
    /// Name resolution or connection failed, or the connection broke.
    ServiceUnreachable,
    /// No answer in time.
    TimedOut,
    /// The service's certificate is not trusted.
    TlsFailed,
    /// The answer is larger than allowed.
    ResponseTooLarge,
    /// The service redirects without end.
    TooManyRedirects,
    /// The answer breaks the protocol that it belongs to.
    InvalidAnswer,
    /// Who decides what a playbook may do does not answer.
    PermissionUnknown,
    /// Riposte's own store failed.
    StoreFailed,
}

impl Code {
    /// Refused before anything was sent.
    pub(super) fn refusal(self, message: impl Into<String>) -> CallError {
        self.error(message, false, false)
    }

    /// Failed on the way.
    pub(super) fn error(self, message: impl Into<String>, retryable: bool, reached: bool) -> CallError {
        CallError {
            code: self.as_str().to_owned(),
            message: message.into(),
            retryable,
            reached,
        }
    }
}
