#!/bin/sh
# User data of a launch template: cloud-init runs it as root when a spot machine boots for the first time. It
# mounts the disk that outlives the machine, installs supervise and the job, and goes on with the run where the
# last machine had to leave it; the first machine begins it.
set -eu

# What you change:
: "${DISK:=LABEL=supervise}"                               # as mount takes it: a volume, or an export of NFS
: "${SUPERVISE:=https://example.com/supervise.tar.gz}"     # how it is made stands in README.md
: "${JOB:=https://example.com/train.tar.gz}"               # train.py and what it needs
: "${CLOUD:=aws}"                                          # or gcp, or azure

mkdir -p /var/lib/supervise /etc/supervise /srv/train
# Without this disk nothing may begin: the run would look like a new one.
mountpoint -q /var/lib/supervise || mount $DISK /var/lib/supervise
curl -fsSL --retry 5 "$SUPERVISE" | tar -xzf - -C /
curl -fsSL --retry 5 "$JOB" | tar -xzf - -C /srv/train

cat > /etc/supervise/train.json << END
{
  "command": ["python3", "train.py"],
  "chdir": "/srv/train",
  "preempt": "$CLOUD"
}
END
# The run's name is the configuration's, and the unit says --adopt: another program in it goes on with the run.
systemctl daemon-reload
systemctl enable --now supervise@train
