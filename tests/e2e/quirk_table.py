"""Which row of the quirk lab (tests/peers/quirks/definitions) shows which field of a definition's `oauth` block at which step:
field -> step -> row. Steps: authorize, exchange (of a code), mint (a token that no human is asked for), refresh, revoke, device, register.
A step that is missing has no such field: PKCE is over when the code is exchanged, a revocation has no scopes.
tests/e2e/test_quirks.py checks that the table knows every field of the schema, that each row works, and that it fails when
its field is taken out. "rename" is one field for each request."""

SHOWN = {
    "scopes": {"authorize": "comma-scopes", "mint": "mint-client", "refresh": "refresh-scope", "device": "device-renamed"},
    "scope_separator": {"authorize": "comma-scopes", "mint": "mint-client", "refresh": "comma-scopes", "device": "device-renamed"},
    "scope_param": {"authorize": "scope-param", "mint": "mint-client"},
    "pkce": {"authorize": "pkce-refused", "exchange": "pkce-refused"},
    "token_auth_method": {"exchange": "basic-auth", "mint": "mint-client", "refresh": "basic-auth", "revoke": "basic-auth"},
    "token_content_type": {"exchange": "json-post", "mint": "mint-client", "refresh": "query-post", "revoke": "query-post"},
    "token_body": {"exchange": "xml-answer", "mint": "xml-session", "refresh": "xml-answer", "revoke": "xml-answer"},
    "token_method": {"exchange": "get-token", "refresh": "get-token"},
    "basic": {"exchange": "basic-secret-alone", "refresh": "basic-secret-alone", "revoke": "basic-secret-alone"},
    "authorization_params": {"authorize": "offline-params"},
    "token_params": {"exchange": "token-params", "mint": "mint-client"},
    "refresh_params": {"refresh": "token-params"},
    "token_headers": {"exchange": "token-headers", "mint": "mint-client", "refresh": "token-headers", "revoke": "token-headers", "device": "device-renamed"},
    "token_signature": {"exchange": "signed-token-request", "refresh": "signed-token-request", "revoke": "signed-token-request"},
    "resource": {"authorize": "resource", "exchange": "resource", "mint": "mint-client", "refresh": "resource"},
    "audience": {"authorize": "audience", "mint": "mint-client"},
    "rename/authorize": {"authorize": "renamed-params"},
    "rename/token": {"exchange": "renamed-params", "mint": "mint-client", "device": "device-renamed"},
    "rename/refresh": {"refresh": "renamed-params"},
    "rename/revoke": {"revoke": "renamed-params"},
    "rename/device": {"device": "device-renamed"},
    "rename/register": {"register": "registered-renamed"},
    "callback/code_param": {"authorize": "code-elsewhere"},
    "callback/state_param": {"authorize": "state-elsewhere"},
    "callback/capture": {"authorize": "app-install", "exchange": "callback-capture", "refresh": "callback-capture", "revoke": "callback-capture"},
    "response/access_token": {"exchange": "nested-tokens", "mint": "mint-client", "refresh": "camel-case-created"},
    "response/refresh_token": {"exchange": "nested-tokens", "refresh": "camel-case-created"},
    "response/expires": {"exchange": "nested-tokens", "mint": "mint-client", "refresh": "camel-case-created"},
    "response/refresh_expires": {"exchange": "camel-case-created", "refresh": "camel-case-created"},
    "response/scope": {"exchange": "nested-tokens", "refresh": "nested-tokens"},
    "response/token_type": {"exchange": "camel-case-created", "refresh": "camel-case-created"},
    "response/format": {"exchange": "text-answer", "mint": "xml-session", "refresh": "form-mislabelled", "revoke": "form-mislabelled"},
    "response/ok_status": {"exchange": "odd-status", "mint": "mint-client", "refresh": "odd-status", "revoke": "odd-status"},
    "response/scope_separator": {"exchange": "scope-separator-back", "refresh": "scope-separator-back"},
    "response/error": {"exchange": "error-by-number", "refresh": "refresh-error-by-number", "revoke": "revoke-error-with-200"},
    "response/error_when": {"exchange": "error-by-number", "refresh": "refresh-error-by-number", "revoke": "revoke-error-with-200"},
    "response/capture": {"exchange": "instance-url", "refresh": "instance-url", "revoke": "instance-url"},
    "expires/unit": {"exchange": "expires-milliseconds", "refresh": "expires-minutes"},
    "expires/kind": {"exchange": "expires-epoch", "mint": "mint-client", "refresh": "expires-in-jwt"},
    "expires/default": {"exchange": "expires-absent", "refresh": "text-answer"},
    "introspection_url": {"exchange": "introspected", "refresh": "introspected"},
    "refresh_url": {"refresh": "refresh-url"},
    "refresh/rotation": {"refresh": "broken-promise"},
    "refresh/margin_seconds": {"refresh": "expires-minutes"},
    "refresh/min_interval_seconds": {"refresh": "min-interval"},
    "refresh/mode": {"refresh": "remint-after-consent"},
    "refresh/method": {"refresh": "refresh-get"},
    "refresh/grant_type": {"refresh": "refresh-fixed-grant"},
    "refresh/token": {"refresh": "refresh-by-access-token"},
    "refresh/auth": {"refresh": "refresh-basic"},
    "refresh/content_type": {"refresh": "refresh-url"},
    "errors/terminal": {"refresh": "terminal-word"},
    "errors/config": {"refresh": "config-word"},
    "errors/transient": {"refresh": "transient-word"},
    "revoke/method": {"revoke": "revoke-in-path"},
    "revoke/url": {"revoke": "revoke-bearer"},
    "revoke/auth": {"revoke": "revoke-json-basic"},
    "revoke/params": {"revoke": "revoke-get"},
    "revoke/order": {"revoke": "revoke-get"},
    "grant": {"mint": "token-exchange"},
    "device_token_request": {"device": "device-json"},
}

# What the lab cannot show: it needs a clock of its own, or a server that the lab is not.
BY_OTHER_TESTS = {
    "refresh/idle_max_seconds": "src/connection/refresh_schedule_test.cpp::ARefreshTokenThatDiesOfDisuseIsKeptAlive",
    "refresh/grace_seconds": "src/connection/refresh_schedule_test.cpp::RF06_TheFurtherAttemptFollowsWithinTheGraceOfTheDefinition",
    "client_assertion": "tests/e2e/test_explain.py::OA26_each_failure_of_a_signing_client",
    "dpop": "tests/e2e/test_oidc_matrix.py::authorization_code",
}

# Endpoints, what is only offered or asked for, and older spellings.
NOT_QUIRKS = {
    "base_url", "issuer", "authorization_url", "token_url", "revocation_url", "device_authorization_url", "registration_endpoint", "userinfo_url",
    "pushed_authorization_url", "jwks_url", "available_scopes", "scopes_required", "supports_device_code", "supports_device_flow", "supports_dcr",
    "client_secret_required", "authorization_method",
}
