import SuperviseSystem
import TestSupport
import Testing

/// The files of systemd/ themselves: whether systemd understands them, how far they shut a job in, and
/// that a job can still work.
@Suite(
    "The units of systemd, as files", .enabled(if: Machine.isPossible, Machine.whyNot), .onStage,
    .serialized)
struct UnitFileTests {
    private static let page =
        Document("docs/SYSTEMD.md").blocks("sh", marker: "run as a user").map(\.text).joined()
        .replacing("'END'", with: "END")

    @Test(
        "are understood by systemd, and expose no more than is written",
        arguments: Machine.versions)
    func verify(version: Machine.Version) throws {
        let machine = try Machine(version)
        let said = try machine.boot(
            """
            cd $S/local/lib/systemd
            cp system/supervise@.service $S/supervise@verify.service
            mkdir -p $S/local/share/doc/supervise
            said=$(systemd-analyze verify --man=no $S/supervise@verify.service \\
                system/supervise-prune.service system/supervise-prune.timer 2>&1 || echo "status $?")
            is "$said" ""
            said=$(systemd-analyze verify --user --man=no user/supervise-prune.timer 2>&1 || :)
            case $said in *supervise*) echo "$said"; false;; esac
            systemd-analyze security --no-pager supervise@train | tail -1
            systemd-analyze security --no-pager --threshold=30 supervise-prune > $S/said
            """)
        let figure = try #require(said.split(separator: "service: ").last?.prefix { $0 != " " })
        for (page, sentence) in [
            (
                "SYSTEMD",
                "`systemd-analyze security supervise@train` gives an exposure of \(figure) "
            ),
            ("BENCHMARKS", "has an exposure of \(figure) by `systemd-analyze security`"),
        ] {
            #expect(Document("docs/\(page).md").text.contains(sentence), "\(said)")
        }
    }

    @Test(
        "a mistake in a configuration fails the start at once, with its line",
        arguments: Machine.versions)
    func wrongKey(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            printf '{\\n  "command": ["true"],\\n  "keep-lst": 3\\n}\\n' > /etc/supervise/d.json
            fails systemctl start $UNIT
            is $(of Result) exit-code
            is $(of ExecMainStatus) 125
            is $(of NRestarts) 0
            systemctl status --no-pager $UNIT > $S/said || :
            grep -F '/etc/supervise/d.json:3: unknown key "keep-lst"; did you mean "keep-last"?' $S/said
            rm /etc/supervise/d.json
            fails systemctl start $UNIT
            is $(of ExecMainStatus) 125
            """)
    }

    @Test(
        "leave a job what it needs, as another user and with devices", arguments: Machine.versions)
    func jobsCanWork(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            useradd --create-home --home-dir $S/ada ada 2> /dev/null || {
                mkdir $S/ada; echo "ada:x:4711:4711::$S/ada:/bin/sh" >> /etc/passwd
                echo "ada:x:4711:" >> /etc/group; chown 4711:4711 $S/ada; }
            chmod 755 $S $S/ada
            cat > $S/ada/job.py <<'END'
            import errno, mmap, os, resource, socket, struct
            # Code that is made while it runs, as a compiler for a GPU makes it.
            mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            # The network, and other processes of this job.
            server = socket.create_server(("127.0.0.1", 0))
            client = socket.create_connection(server.getsockname())
            client.sendall(b"x")
            socket.socketpair()
            if os.path.exists("/proc/net/if_inet6"):
                socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            # The list of interfaces, for which the libraries of clusters ask the kernel.
            interfaces = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
            interfaces.bind((0, 0))
            interfaces.send(struct.pack("=IHHIIB", 17, 18, 0x301, 1, 0, 0))
            assert len(interfaces.recv(65536)) > 16
            if os.fork() == 0:
                os._exit(0)
            os.wait()
            # Its own directories, and memory that it shares.
            open("out", "w").write("done")
            open("/dev/shm/supervise-test", "w").close()
            os.unlink("/dev/shm/supervise-test")
            # Memory that stays where it is, as GPUs and fast networks need it.
            try:
                import ctypes
                memory = ctypes.create_string_buffer(1 << 20)
                assert ctypes.CDLL(None).mlock(memory, 1 << 20) == 0
            except ImportError:
                pass
            # Devices that are no pseudo devices of systemd's own list.
            for device in ("/dev/fuse",):
                if os.path.exists(device) and os.access(device, os.R_OK | os.W_OK):
                    os.close(os.open(device, os.O_RDWR))
            assert os.nice(0) == 5 and resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 4000
            # And not the system, nor the network below its addresses.
            try:
                socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                raise SystemExit("packets of others can be read")
            except OSError as error:
                assert error.errno == errno.EAFNOSUPPORT, error
            for path in ("/usr/x", "/etc/x", "/proc/sys/kernel/x"):
                try:
                    open(path, "w")
                    raise SystemExit(f"{path} can be written")
                except OSError:
                    pass
            from pathlib import Path
            group = Path("/proc/self/cgroup").read_text()
            assert "supervise-" in group.splitlines()[-1].rsplit("/", 1)[-1], group
            os.environ["NOTIFY_SOCKET"], os.environ["SUPERVISE_SOCKET"]
            print("all of it", os.getuid(), flush=True)
            END
            cat > /etc/supervise/d.json <<END
            {"command": ["$S/local/bin/python3", "$S/ada/job.py"], "chdir": "$S/ada", "user": "ada", "nice": 5,
             "rlimit": {"nofile": 4000}, "max-failures": 1}
            END
            systemctl start $UNIT
            succeeds
            is "$(cat $S/ada/out)" done
            journalctl --no-pager -u $UNIT | grep 'all of it'
            is "$(supervise list --json | grep -o '"name":"d"')" '"name":"d"'
            # Somebody else is told that there is such a run, and how it can be looked at.
            stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ supervise "$@" 2> $S/said; }
            is "$(stranger list --json)" "[]"
            grep -F 'may not read /var/lib/supervise/d; call it as its owner, or as root: sudo supervise list' $S/said
            fails stranger status
            grep -F 'may not read /var/lib/supervise/d; call it as its owner, or as root: sudo supervise status' $S/said
            chmod 700 /var/lib/supervise
            fails stranger status d
            grep -F 'there is no run d in /.local/state/supervise, and user 65534 may not read /var/lib/supervise; call it as its owner, or as root: sudo supervise status d' $S/said
            """)
    }

    @Test("prune what is old every day", arguments: Machine.versions)
    func prune(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            digits '"keep-last": 100,'
            systemctl start $UNIT
            await has_step 3
            systemctl stop $UNIT
            before=$(ls /var/lib/supervise/d/checkpoints | wc -l)
            [ $before -ge 3 ]
            systemctl start supervise-prune.service
            is "$(ls /var/lib/supervise/d/checkpoints | wc -l)" $before
            mkdir -p /run/systemd/system/supervise-prune.service.d
            printf '[Service]\\nEnvironment=MAX_AGE=1ms\\n' > /run/systemd/system/supervise-prune.service.d/a.conf
            systemctl daemon-reload
            systemctl start supervise-prune.service
            [ "$(ls /var/lib/supervise/d/checkpoints | wc -l)" -le 2 ]
            supervise checkpoints d verify
            systemctl enable --now supervise-prune.timer
            systemctl list-timers --no-pager | grep supervise-prune.timer
            """)
    }

    @Test(
        "work for a user's own manager", .enabled(if: Machine.isThorough, "ENGINES=all"),
        arguments: Machine.versions)
    func user(version: Machine.Version) throws {
        let machine = try Machine(version)
        try machine.boot(
            """
            H=$S/home
            mkdir -p -m 700 /run/user/65534 $H/.config/supervise $H/.config/systemd/user
            cp $S/local/lib/systemd/user/* $H/.config/systemd/user/
            chmod 755 $S; chmod 644 $S/examples/held.py
            cat > $H/.config/supervise/d.json <<END
            {"command": ["$S/local/bin/python3", "$S/examples/held.py", "$S/examples/digits/train.py",
                         "--epochs", $EPOCHS, "--out", "weights"],
             "env": ["ORDERS=$S", "PYTHONDONTWRITEBYTECODE=1"], "checkpoint-every": "100ms"}
            END
            chown -R 65534 /run/user/65534 $H
            systemd-run -q --unit=um --uid=65534 -p Delegate=yes -p Type=notify \\
                -E XDG_RUNTIME_DIR=/run/user/65534 -E HOME=$H -E PYTHONDONTWRITEBYTECODE=1 \\
                /lib/systemd/systemd --user --unit=basic.target
            as() { setpriv --reuid 65534 --clear-groups env XDG_RUNTIME_DIR=/run/user/65534 HOME=$H "$@"; }
            status() { as supervise status d --json | python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }
            of() { as systemctl --user show --value -p "$1" $UNIT; }
            touch $S/hold
            as systemctl --user start $UNIT
            await has_step 1
            as systemctl --user stop $UNIT
            is $(of Result) success
            is "$(status "['outcome']['kind']")" stopped
            go_on
            as systemctl --user start $UNIT
            succeeds
            cp $H/weights $S/work/weights
            # What the page says.
            mkdir $H/train
            cp $S/examples/digits/* $H/train/
            cp $S/examples/supervise_job.py $H/
            chown -R 65534 $H/train
            as bash -euc '\(Self.page)'
            as systemctl --user stop supervise@train
            """)
        try machine.expectUndisturbedWeights()
    }
}
