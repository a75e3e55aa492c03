"""What Cloud-Init knows in a cloud-config: its keys and the types of their values, as facts.

Source: cloud-init's own JSON schema, schema-cloud-config-v1.json (canonical/cloud-init, commit 01a3bf28).
No kept package carries that schema, so its facts stand here; types where a wrong one is a known mistake.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KEYS = _words(
    """
    allow_public_ssh_keys ansible apk_repos apt apt_pipelining apt_reboot_if_required apt_update
    apt_upgrade authkey_hash autoinstall bootcmd byobu_by_default ca-certs ca_certs chef chpasswd
    cloud_config_modules cloud_final_modules cloud_init_modules create_hostname_file device_aliases
    disable_ec2_metadata disable_piwiz disable_root disable_root_opts disk_setup drivers
    enable_rpi_connect fan final_message fqdn fs_setup groups growpart grub-dpkg grub_dpkg hostname
    keyboard landscape launch-index locale locale_configfile lxd manage_etc_hosts manage_resolv_conf
    mcollective merge_how merge_type migrate mount_default_fields mounts no_ssh_fingerprints ntp output
    package_reboot_if_required package_update package_upgrade packages password phone_home power_state
    prefer_fqdn_over_hostname preserve_hostname puppet random_seed reporting resize_rootfs resolv_conf
    rh_subscription rpi_interfaces rpi_userconf rsyslog runcmd salt_minion snap spacewalk ssh
    ssh_authorized_keys ssh_deletekeys ssh_fp_console_blacklist ssh_genkeytypes ssh_import_id
    ssh_key_console_blacklist ssh_keys ssh_publish_hostkeys ssh_pwauth ssh_quiet_keygen swap system_info
    timezone ubuntu_advantage ubuntu_pro updates user users vendor_data version wireguard write_files
    yum_repo_dir yum_repos zypper
    """
)

#: Known to older releases, as images of some years ago carry them, or to Cloudbase-Init on Windows.
OLD_KEYS = _words(
    """
    apt_mirror apt_mirror_search apt_preserve_sources_list apt_proxy apt_sources debconf_selections
    datasource datasource_list debug def_log_file log_cfgs manage-resolv-conf resolv-conf rsyslog_dir
    rsyslog_filename snappy ssh_svcname syslog_fix_perms ubuntu-advantage vendor_data2 warnings
    network_config set_hostname set_timezone
    """
)

#: Taken from the cloud's metadata only: said here, they do nothing.
NOT_HERE = {"network": "Cloud-Init takes network settings from the cloud, not from user data"}

YES_NO, TEXT, LIST, MAP, NUMBER, NOTHING = "bool", "str", "list", "map", "int", "null"

_BOTH = (YES_NO, TEXT)
TYPES: dict[str, tuple[str, ...]] = {
    "allow_public_ssh_keys": (YES_NO,),
    "apt": (MAP,),
    "bootcmd": (LIST,),
    "ca_certs": (MAP,),
    "chpasswd": (MAP,),
    "create_hostname_file": (YES_NO,),
    "disable_root": (YES_NO,),
    "disk_setup": (MAP,),
    "final_message": (TEXT,),
    "fqdn": (TEXT,),
    "fs_setup": (LIST,),
    "groups": (LIST, MAP, TEXT),
    "growpart": (MAP,),
    "hostname": (TEXT,),
    "keyboard": (MAP,),
    "locale": _BOTH,
    "manage_etc_hosts": _BOTH,
    "manage_resolv_conf": (YES_NO,),
    "mounts": (LIST,),
    "no_ssh_fingerprints": (YES_NO,),
    "ntp": (MAP, NOTHING),
    "output": (MAP,),
    "package_reboot_if_required": (YES_NO,),
    "package_update": (YES_NO,),
    "package_upgrade": (YES_NO,),
    "packages": (LIST,),
    "password": (TEXT,),
    "phone_home": (MAP,),
    "power_state": (MAP,),
    "prefer_fqdn_over_hostname": (YES_NO,),
    "preserve_hostname": (YES_NO,),
    "random_seed": (MAP,),
    "resolv_conf": (MAP,),
    "rsyslog": (MAP,),
    "runcmd": (LIST,),
    "snap": (MAP,),
    "ssh_authorized_keys": (LIST,),
    "ssh_deletekeys": (YES_NO,),
    "ssh_genkeytypes": (LIST,),
    "ssh_import_id": (LIST,),
    "ssh_keys": (MAP,),
    "ssh_pwauth": _BOTH,
    "swap": (MAP,),
    "timezone": (TEXT,),
    "users": (LIST, MAP, TEXT),
    "write_files": (LIST,),
    "yum_repos": (MAP,),
}

#: What the items of a list may be, of those keys that are lists.
ITEMS: dict[str, tuple[str, ...]] = {
    "bootcmd": (TEXT, LIST),
    "runcmd": (TEXT, LIST, NOTHING),
    "packages": (TEXT, LIST, MAP),
    "ssh_authorized_keys": (TEXT,),
    "ssh_import_id": (TEXT,),
    "mounts": (LIST,),
    "users": (TEXT, LIST, MAP),
    "write_files": (MAP,),
}

#: The keys of one item of a list of maps.
ITEM_KEYS: dict[str, frozenset[str]] = {
    "write_files": _words("append content defer encoding owner path permissions source"),
    "users": _words(
        """
        create_groups doas expiredate gecos groups hashed_passwd homedir inactive lock_passwd name
        no_create_home no_log_init no_user_group passwd plain_text_passwd primary_group selinux_user
        shell snapuser ssh_authorized_keys ssh_import_id ssh_redirect_user sudo system uid
        """
    ),
}
#: An item without one of these is skipped, or fails.
ITEM_NEEDS = {"write_files": ("path",), "users": ("name", "snapuser")}

WORDS = {
    YES_NO: "true or false",
    TEXT: "text",
    LIST: "a list",
    MAP: "keys with values",
    NUMBER: "a number",
    NOTHING: "nothing",
    "float": "a number",
    "timestamp": "a date",
    "binary": "bytes",
}
