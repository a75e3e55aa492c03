"""Which admin the product has. Read before any table is: it imports nothing of the product."""

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    """Django's admin, with the door of ecsportal.adminsite."""

    default_site = "ecsportal.adminsite.PortalAdmin"
