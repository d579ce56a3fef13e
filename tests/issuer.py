"""An OAuth authorization server (Authlib) in front of a SCIM server (scim2-server), neither of them ours."""

import logging
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from scim2_models import ScimProvider
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.testserver.cli import ThreadingWSGIServer
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

CLIENT_ID = "tenure"
CLIENT_SECRET = "authlib~client-secret"
SCOPE = "scim.write"
# For looking at the target; it also keeps the list of tokens from being empty, which would let everybody in.
ADMIN_TOKEN = "admin-of-the-target"


class Client(ClientMixin):
    """The only client, which proves itself in one way."""

    def __init__(self, method):
        self.method = method

    def get_client_id(self):
        return CLIENT_ID

    def get_allowed_scope(self, scope):
        return " ".join(name for name in (scope or "").split() if name == SCOPE)

    def check_client_secret(self, client_secret):
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return endpoint == "token" and method == self.method

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class Grant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Issuer:
    """Token endpoint and SCIM service; only tokens that were issued here are accepted there."""

    def __init__(self, method):
        self.client = Client(method)
        self.issued = []
        self.scim = self._scim()
        logging.getLogger("authlib").setLevel(logging.WARNING)
        self.servers = [self._serve(self._oauth()), self._serve(self.scim)]
        oauth, scim = (f"http://127.0.0.1:{server.server_port}" for server in self.servers)
        self.token_url, self.base = f"{oauth}/token", f"{scim}/v2"

    def revoke(self):
        """No token that was issued so far is accepted any more."""
        self.scim.bearer_tokens.intersection_update({ADMIN_TOKEN})

    def end(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def _serve(self, application):
        server = make_server("127.0.0.1", 0, application, server_class=ThreadingWSGIServer, handler_class=QuietHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _oauth(self):
        def find(client_id):
            return self.client if client_id == CLIENT_ID else None

        def save(token, _request):
            self.issued.append(token["access_token"])
            self.scim.bearer_tokens.add(token["access_token"])

        application = flask.Flask("issuer")
        application.config["OAUTH2_SCOPES_SUPPORTED"] = [SCOPE]
        server = AuthorizationServer(application, query_client=find, save_token=save)
        server.register_grant(Grant)
        application.add_url_rule("/token", view_func=server.create_token_response, methods=["POST"], endpoint="token")
        return application

    @staticmethod
    def _scim():
        config = load_default_service_provider_config()
        config.authentication_schemes = [*(config.authentication_schemes or []), BEARER_TOKEN_SCHEME]
        provider = ScimProvider.from_discovery(
            load_default_schemas().values(), load_default_resource_types().values(), config=config
        )
        service = ScimService(provider, secret="cursors")
        return BearerTokenApplication(InMemoryStorage(), provider, service=service, bearer_tokens=[ADMIN_TOKEN])
