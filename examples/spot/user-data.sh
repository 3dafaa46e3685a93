#!/bin/sh
# User data of a launch template: cloud-init runs it as root when a spot machine boots for the first time, and
# Compute Engine at each boot. It mounts the disk that outlives the machine, installs supervise and the job, and
# goes on with the run where the last machine had to leave it; the first machine begins it.
set -eu

# What you change:
: "${DISK:=LABEL=supervise}"                               # as fstab takes it: a volume, or an export of NFS
: "${DISK_TYPE:=auto}"                                     # of its file system; nfs for an export
: "${DISK_OPTIONS:=defaults}"
: "${SUPERVISE:=https://example.com/supervise.tar.gz}"     # how it is made stands in README.md
: "${JOB:=https://example.com/train.tar.gz}"               # train.py and what it needs
: "${CLOUD:=aws}"                                          # or gcp, or azure

STATE=/var/lib/supervise
mkdir -p $STATE /etc/supervise /srv/train /etc/systemd/system/supervise@train.service.d
# Without this disk nothing may begin: the run would look like a new one.
mountpoint -q $STATE || mount -t "$DISK_TYPE" -o "$DISK_OPTIONS" "$DISK" $STATE
# From the next boot on systemd mounts it before the unit starts. A machine without it boots all the same (nofail).
grep -q " $STATE " /etc/fstab ||
    echo "$DISK $STATE $DISK_TYPE $DISK_OPTIONS,nofail,x-systemd.device-timeout=90s 0 0" >> /etc/fstab
cat > /etc/systemd/system/supervise@train.service.d/disk.conf << END
[Unit]
RequiresMountsFor=$STATE
AssertPathIsMountPoint=$STATE
END

curl -fsSL --retry 5 "$SUPERVISE" | tar -xzf - -C /
curl -fsSL --retry 5 "$JOB" | tar -xzf - -C /srv/train

# The disk of the first machine is empty: the run is made, once. From then on it must be there.
[ -d $STATE/train ] || /usr/local/bin/supervise init train --mounted --state-dir $STATE
cat > /etc/supervise/train.json << END
{
  "command": ["python3", "train.py"],
  "chdir": "/srv/train",
  "require-state": true,
  "preempt": "$CLOUD"
}
END
# The run's name is the configuration's, and the unit says --adopt: another program in it goes on with the run.
systemctl daemon-reload
systemctl enable --now supervise@train
