import Testing

/// Runs in real containers.
@Suite("In a container", .enabled(if: Podman.isPossible, Podman.whyNot), .onStage, .serialized)
struct ContainerTests {
    @Test("an image from scratch needs no /tmp, no home and no init")
    func fromScratch() throws {
        try Podman().run(
            script: """
                build
                run="podman run --rm --network=none"
                exits 0 $run scratch -- /job environment
                has said "as HOME is /"
                has said "SUPERVISE_SOCKET -> /.local/state/supervise/.sockets/"
                has said "completed"
                exits 0 $run --read-only --read-only-tmpfs=false -v v:/state scratch --state-dir /state \\
                    -- /job environment
                has said "SUPERVISE_SOCKET -> /state/.sockets/"
                is "$(ls -A $(podman volume inspect -f '{{.Mountpoint}}' v)/.sockets)" ""
                exits 0 $run --init -v v:/state scratch --state-dir /state -- /job environment
                """)
    }

    @Test(
        "what cannot be written to is named, with the option or variable to set",
        .enabled(if: Machine.isThorough, "ENGINES=all"))
    func nowhereToWrite() throws {
        try Podman().run(
            script: """
                build
                run="podman run --rm --network=none"
                exits 125 $run --read-only --read-only-tmpfs=false scratch -- /job environment
                has said "--state-dir"
                exits 125 $run --user 1234:0 scratch -- /job environment
                has said "--state-dir"
                exits 1 $run --user 1234:0 scratch status
                long=/state/$(printf 'x%.0s' $(seq 80))
                exits 125 $run --read-only --read-only-tmpfs=false -v v:/state scratch --state-dir $long \\
                    -- /job environment
                has said "set XDG_RUNTIME_DIR to a directory of yours with a short path"
                exits 0 $run --read-only --read-only-tmpfs=false -v v:/state --tmpfs /r \\
                    -e XDG_RUNTIME_DIR=/r scratch --state-dir $long -- /job environment
                exits 0 $run --read-only --read-only-tmpfs=false -v v:/state --tmpfs /r:mode=1777 \\
                    -e TMPDIR=/r scratch --state-dir $long -- /job environment
                has said "SUPERVISE_SOCKET -> /r/supervise-0/"
                """)
    }

    @Test(
        "any user does, as OpenShift gives one",
        .enabled(if: Machine.isThorough, "ENGINES=all"))
    func arbitraryUser() throws {
        try Podman().run(
            script: """
                build
                run="podman run --rm --network=none --user 1000680000:0"
                exits 0 $run -v v:/state:U scratch --state-dir /state -- /job environment
                exits 0 $run -v v:/state scratch status --state-dir /state
                has said "completed"
                """)
    }

    @Test(
        "a limit of processes that lets no job start ends at SIGTERM, with --watch too",
        .enabled(if: Machine.isThorough, "ENGINES=all"))
    func noThreads() throws {
        try Podman().run(
            script: """
                for limit in 1 2; do
                    for watch in "" "--watch=*.ckpt"; do
                        name=n$limit${watch:+w}
                        podman run -d --name $name --pids-limit $limit $host $supervise --state-dir /var/s \\
                            $watch -- sleep 1000 > id
                        await sh -c "podman logs $name 2>&1 | grep -q 'trying again'"
                        podman stop -t 60 $name > stopped
                        is $(status $name) 143
                    done
                done
                podman logs n1 > said 2>&1
                has said "stopped by SIGTERM before the job was started"
                """)
    }

    @Test(
        "a stop in the first moments of a start ends it, whatever it waits for",
        .enabled(if: Machine.isThorough, "ENGINES=all"))
    func firstMoments() throws {
        try Podman().run(
            script: """
                mkfifo config
                podman run -d --name train -v $PWD/config:/config $host $supervise --state-dir /var/s \\
                    --config /config -- sleep 1000 > id
                sh -c 'exec 3> config; echo > opened; exec sleep 100' &
                await test -s opened
                podman stop -t 60 train > stopped
                is $(status train) 143
                podman logs train > said 2>&1
                has said "stopped by SIGTERM before the job was started"
                for n in $(seq 5); do
                    podman create --name n$n $host $supervise --state-dir /var/s -- sleep 1000 > id
                    podman start n$n > id
                    podman kill --signal TERM n$n > killed
                    await ended n$n
                    is $(status n$n) 143
                done
                kill $!
                """)
    }

    @Test(
        "another container and the host reach a run by its volume, and stop it",
        .enabled(if: Machine.isThorough, "ENGINES=all"))
    func otherContainer() throws {
        try Podman().run(
            script: """
                build
                volume=$(printf 'v%.0s' $(seq 90))
                begin() { podman run -d --name train "$@" -v $volume:/state $host $supervise \\
                    --state-dir /state --name train -- sleep 1000 > id; }
                other() { podman run --rm -v $volume:/volume --network=none scratch "$@"; }
                begin
                state=$(podman volume inspect -f '{{.Mountpoint}}' $volume)
                await other status train --check job --state-dir /volume
                exits 0 $supervise status train --check job --state-dir $state
                has said "train running"
                exits 125 other --state-dir /volume --name train -- /job environment
                has said "in use by pid 1 in another container (host name $(cut -c1-12 id))"
                exits 0 other doctor train --state-dir /volume
                has said "answers at /volume/.sockets/"
                exits 0 other stop train --state-dir /volume --no-checkpoint
                await ended train
                is $(status train) 143
                exits 0 other status train --state-dir /volume
                has said "stopped"
                podman rm train > removed
                begin
                await other status train --check job --state-dir /volume
                exits 0 $supervise stop train --state-dir $state --no-checkpoint
                await ended train
                """)
    }

    @Test(
        "where they cannot, the message has the command that does",
        .enabled(if: Machine.isThorough, "ENGINES=all"))
    func execHint() throws {
        try Podman().run(
            script: """
                build
                podman run -d --name train -v v:/state $host $supervise \\
                    --state-dir /state --name train -- sleep 1000 > id
                await podman exec train $supervise status train --check job --state-dir /state
                rm -r $(podman volume inspect -f '{{.Mountpoint}}' v)/.sockets
                exits 1 podman run --rm -v v:/state --network=none scratch stop train --state-dir /state
                has said "in another container (host name $(cut -c1-12 id))"
                hint=$(grep -o 'podman exec [0-9a-f]* supervise stop train[^,]*' said)
                ${hint/supervise/$supervise} --state-dir /state
                await ended train
                """)
    }

    @Test(
        "a user namespace and a shared PID namespace make no difference",
        .enabled(if: Machine.isThorough, "ENGINES=all"))
    func namespaces() throws {
        try Podman().run(
            script: """
                build
                podman run -d --name a --uidmap 0:100000:65536 --gidmap 0:100000:65536 -v a:/state:U \\
                    --network=none scratch --state-dir /state --name train -- /bin/sleep 1000 > id
                podman run -d --name b -v b:/state $host $supervise \\
                    --state-dir /state --name train -- sleep 1000 > id
                await podman exec b $supervise status train --check job --state-dir /state
                exits 0 podman run --rm --pid=container:b -v b:/state --network=none scratch \\
                    status train --check job --state-dir /state
                podman stop -t 60 b > stopped
                is $(status b) 143
                mapped="podman run --rm --uidmap 0:100000:65536 --gidmap 0:100000:65536 -v a:/state"
                await $mapped --network=none scratch status train --check supervisor --state-dir /state
                exits 0 $mapped --network=none scratch stop train --state-dir /state --no-checkpoint
                """)
    }

    @Test(
        "a container that was stopped, or killed, goes on in the next one",
        .enabled(if: Machine.isThorough, "ENGINES=all"))
    func nextContainer() throws {
        try Podman().run(
            script: """
                podman create --name train -v v:/state $host $supervise \\
                    --state-dir /state --name train -- sleep 1000 > id
                check() { podman exec train $supervise status train --check $1 --state-dir /state; }
                podman start train > id
                await check job
                podman stop -t 60 train > stopped
                is $(status train) 143
                podman start train > id
                await check job
                exits 0 check job
                has said "attempt 2"
                podman kill train > killed
                await ended train
                is $(status train) 137
                podman start train > id
                await check job
                exits 0 check supervisor
                has said "attempt 3"
                # A supervisor that hangs.
                kill -STOP $(podman inspect -f '{{.State.Pid}}' train)
                exits 1 check supervisor
                kill -CONT $(podman inspect -f '{{.State.Pid}}' train)
                exits 0 check supervisor
                podman stop -t 60 train > stopped
                """)
    }
}
