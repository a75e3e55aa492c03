"""The staff corner: history to read, people and their roles to edit, nothing that touches a server."""

from django.contrib import admin

from reinstall.admin import clouds, factors, history, jobs, people, servers

__all__ = ["clouds", "factors", "history", "jobs", "people", "servers"]

admin.site.site_header = "ecsportal administration"
admin.site.site_title = "ecsportal"
admin.site.index_title = "Records and people"
admin.site.enable_nav_sidebar = False
