"""Programs and options that are refused everywhere, and what to do instead."""

from axon.security.lists import names

# Option values that a program runs as a command, or loads as code.
RUNNING_OPTIONS: dict[str, tuple[str, ...]] = {
    "sort": ("--compress-program", "--files0-from"),
    "tar": ("-I", "--use-compress-program", "--to-command", "--checkpoint-action", "-F",
            "--info-script", "--new-volume-script", "--rsh-command", "--rmt-command", "-P",
            "--absolute-names"),
    "bsdtar": ("--use-compress-program",),
    "rsync": ("-e", "--rsh", "--rsync-path", "--daemon", "--config", "--remote-option", "-M"),
    "zip": ("-TT", "--unzip-command", "-T", "--test"),
    "rg": ("--pre", "--hostname-bin", "--search-zip"),
    "ag": ("--pager",),
    "fd": ("-x", "-X", "--exec", "--exec-batch"),
    "fdfind": ("-x", "-X", "--exec", "--exec-batch"),
    "man": ("-P", "--pager", "-H", "--html", "-C", "--config-file", "-X", "--gxditview", "-p"),
    "bat": ("--pager",),
    "delta": ("--pager",),
    "ssh": ("-o", "-F", "-E", "-J", "-R", "-L", "-D", "-w", "-I", "-S", "-W"),
    "scp": ("-o", "-F", "-S", "-D", "-J"),
    "sftp": ("-o", "-F", "-S", "-D", "-J", "-b"),
    "wget": ("-e", "--execute", "--use-askpass", "--config", "-i", "--input-file"),
    "curl": ("-K", "--config", "--proxy-header", "--netrc", "-n", "--netrc-file", "--key",
             "--unix-socket", "--abstract-unix-socket", "--engine"),
    "gcc": ("-wrapper", "--wrapper", "-B"),
    "awk": ("-f", "-i", "-l", "-E", "--file", "--include", "--load", "--exec"),
    "split": ("--filter",),
    "date": ("-s", "--set", "-f", "--file"),
    "less": ("-k", "-o", "-O", "--lesskey-file", "--lesskey-src", "--log-file"),
    "jq": ("-L", "-f", "--from-file", "--rawfile", "--slurpfile"),
    "diff": ("--to-file", "--from-file"),
    "go": ("-toolexec", "--toolexec", "-exec", "--exec", "-vettool", "--vettool"),
    "cargo": ("--config",),
    "gawk": ("-f", "-i", "-l", "-E", "--file", "--include", "--load", "--exec"),
    "mawk": ("-f", "-W", "--file"),
    "make": ("--eval", "-E"),
    "nc": ("-e", "-c", "--exec", "--sh-exec"),
    "ncat": ("-e", "-c", "--exec", "--sh-exec", "--lua-exec"),
}  # fmt: skip

_ALONE = "run the command itself, without it"
_NONE = "no agent needs it here; say what is missing with the ask tool"
REFUSED_PROGRAMS: dict[str, str] = {
    **dict.fromkeys(names("sudo doas su runuser pkexec sg newgrp gosu setpriv capsh"), _ALONE),
    **dict.fromkeys(names("chroot unshare nsenter bwrap firejail systemd-run machinectl"), _ALONE),
    **dict.fromkeys(names("parallel watch script expect unbuffer flock rlwrap entr"), _ALONE),
    **dict.fromkeys(names("strace ltrace gdb lldb perf ptrace"), _ALONE),
    **dict.fromkeys(names("tmux screen dtach abduco zellij"), "run it in the foreground"),
    **dict.fromkeys(names("at batch crontab anacron atq atrm"), _NONE),
    **dict.fromkeys(names("busybox toybox"), "name the program itself"),
    **dict.fromkeys(
        names("vi vim nvim view vimdiff ex ed emacs nano pico joe micro mcedit"),
        "nobody is at the keyboard; use the Edit and Write tools",
    ),
    **dict.fromkeys(names("more most info pinfo"), "nobody is at the keyboard; use cat or head"),
    **dict.fromkeys(
        names("docker podman nerdctl ctr crictl lxc-attach kubectl helm minikube"),
        "containers reach outside the workspace; " + _NONE,
    ),
    **dict.fromkeys(
        names("mount umount losetup mkfs fdisk parted swapon swapoff cryptsetup"), _NONE
    ),
    **dict.fromkeys(names("shutdown reboot halt poweroff init telinit kexec"), _NONE),
    **dict.fromkeys(names("systemctl service launchctl rc-service initctl loginctl"), _NONE),
    **dict.fromkeys(
        names("useradd userdel usermod groupadd passwd chpasswd visudo vipw chsh"), _NONE
    ),
    **dict.fromkeys(names("insmod rmmod modprobe sysctl iptables ip6tables nft ufw ip tc"), _NONE),
    **dict.fromkeys(names("ssh-keygen ssh-add ssh-agent ssh-copy-id gpg gpg2 gpg-agent"), _NONE),
    **dict.fromkeys(names("pass security secret-tool keyctl kinit op vault aws-vault"), _NONE),
    **dict.fromkeys(names("pkill killall killall5 skill"), "end what you started by its pid"),
    **dict.fromkeys(names("setcap setfacl chattr chcon"), _NONE),
    **dict.fromkeys(names("mknod mkfifo"), "no agent needs special files here"),
    **dict.fromkeys(names("git-shell git-upload-pack git-receive-pack"), "use git itself"),
    "gh": "pull requests are the runner's to make: leave your work committed",
    "glab": "merge requests are the runner's to make: leave your work committed",
    "hub": "pull requests are the runner's to make: leave your work committed",
    **dict.fromkeys(names("fish csh tcsh pwsh powershell xonsh nu elvish"), "use bash -c"),
    **dict.fromkeys(names("alias unalias"), "write the command out"),
    **dict.fromkeys(names("trap bind complete compgen compopt enable fc history"), "leave it out"),
    **dict.fromkeys(names("shopt getopts let coproc caller suspend logout disown"), "leave it out"),
}
