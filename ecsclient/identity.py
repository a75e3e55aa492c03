"""Which user of the cloud these credentials are.

Sources: Identity and Access Management API reference, "Obtaining a User Token" (the token names its user),
"Querying a Permanent Access Key" (GET /v3.0/OS-CREDENTIAL/credentials/{access_key}; one's own is allowed).
"""

from ecsclient.errors import BadAnswer, CloudError
from ecsclient.fields import child, path_id, required_id
from ecsclient.session import CloudSession


def own_user_id(session: CloudSession) -> str:
    """The id of the user the session acts as; "" where the cloud does not tell. Signs in where needed."""
    try:
        key = session.access_key
        if key is None:
            return session.user_id() or ""
        found = session.get("iam", f"/v3.0/OS-CREDENTIAL/credentials/{path_id(key, 'access_key')}")
        credential = child(found, "credential")
        if credential.get("access") != key:
            raise BadAnswer("asked for one access key, the cloud described another")
        return required_id(credential, "user_id")
    except (CloudError, ValueError):
        return ""
