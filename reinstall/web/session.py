"""Sign-in and sign-out."""

from django.contrib.auth import views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm
from django.forms import CharField, PasswordInput, TextInput
from django.http import HttpRequest


class SignInForm(AuthenticationForm):
    """One sentence for every failure, so that nobody learns which names exist."""

    error_messages = {
        "invalid_login": "This user name and password do not fit. Both are case-sensitive.",
        "inactive": "This user name and password do not fit. Both are case-sensitive.",
    }
    username = CharField(
        label="User name",
        error_messages={"required": "Enter your user name."},
        widget=TextInput(
            attrs={"class": "in", "autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = CharField(
        label="Password",
        strip=False,
        error_messages={"required": "Enter your password."},
        widget=PasswordInput(attrs={"class": "in", "autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest | None = None, *args: object, **kwargs: object) -> None:
        super().__init__(request, *args, **kwargs)
        self.label_suffix = ""


sign_in = views.LoginView.as_view(
    template_name="reinstall/sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
)
#: Also for whoever is signed out already: an old page sends them to the sign-in, not back to here.
sign_out = login_not_required(views.LogoutView.as_view())
