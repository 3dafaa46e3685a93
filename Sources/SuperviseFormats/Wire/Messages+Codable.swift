private enum TypeKey: String, CodingKey { case type }
private enum StopKey: String, CodingKey { case deadline = "deadline_s" }
private enum StatusKey: String, CodingKey { case status }

extension JobMessage: Codable {
    /// The `type`s of version 1 that are understood here.
    package enum TypeName: String, Codable {
        case hello, heartbeat, progress, begin, commit, add, abort, failed, control
        case giveUp = "give_up"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: TypeKey.self)
        self =
            switch try container.decode(TypeName.self, forKey: .type) {
            case .hello: .hello(try Hello(from: decoder))
            case .heartbeat: .heartbeat
            case .progress: .progress(try ProgressReport(from: decoder))
            case .begin: .begin(try Begin(from: decoder))
            case .commit: .commit(try Commit(from: decoder))
            case .add: .add(try Add(from: decoder))
            case .abort: .abort(try Abort(from: decoder))
            case .failed: .failed(try SaveFailed(from: decoder))
            case .giveUp: .giveUp(try GiveUp(from: decoder))
            case .control: .control(try Control(from: decoder))
            }
    }

    package func encode(to encoder: any Encoder) throws {
        var type = encoder.container(keyedBy: TypeKey.self)
        switch self {
        case .hello(let payload):
            try type.encode(TypeName.hello, forKey: .type)
            try payload.encode(to: encoder)
        case .heartbeat:
            try type.encode(TypeName.heartbeat, forKey: .type)
        case .progress(let payload):
            try type.encode(TypeName.progress, forKey: .type)
            try payload.encode(to: encoder)
        case .begin(let payload):
            try type.encode(TypeName.begin, forKey: .type)
            try payload.encode(to: encoder)
        case .commit(let payload):
            try type.encode(TypeName.commit, forKey: .type)
            try payload.encode(to: encoder)
        case .add(let payload):
            try type.encode(TypeName.add, forKey: .type)
            try payload.encode(to: encoder)
        case .abort(let payload):
            try type.encode(TypeName.abort, forKey: .type)
            try payload.encode(to: encoder)
        case .failed(let payload):
            try type.encode(TypeName.failed, forKey: .type)
            try payload.encode(to: encoder)
        case .giveUp(let payload):
            try type.encode(TypeName.giveUp, forKey: .type)
            try payload.encode(to: encoder)
        case .control(let payload):
            try type.encode(TypeName.control, forKey: .type)
            try payload.encode(to: encoder)
        }
    }
}

extension SupervisorMessage: Codable {
    private enum TypeName: String, Codable {
        case welcome, began, committed, aborted, stop, error, ok, status, pruned
        case checkpointRequest = "checkpoint_request"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: TypeKey.self)
        self =
            switch try container.decode(TypeName.self, forKey: .type) {
            case .welcome: .welcome(try Welcome(from: decoder))
            case .began: .began(try Began(from: decoder))
            case .committed: .committed(try Committed(from: decoder))
            case .aborted: .aborted
            case .checkpointRequest: .checkpointRequest(try CheckpointRequest(from: decoder))
            case .stop:
                .stop(
                    deadline: try decoder.container(keyedBy: StopKey.self)
                        .decode(Double.self, forKey: .deadline))
            case .error: .error(try ProtocolError(from: decoder))
            case .ok: .ok
            case .pruned: .pruned(try Pruned(from: decoder))
            case .status:
                .status(
                    try decoder.container(keyedBy: StatusKey.self)
                        .decode(Status.self, forKey: .status))
            }
    }

    package func encode(to encoder: any Encoder) throws {
        var type = encoder.container(keyedBy: TypeKey.self)
        switch self {
        case .welcome(let payload):
            try type.encode(TypeName.welcome, forKey: .type)
            try payload.encode(to: encoder)
        case .began(let payload):
            try type.encode(TypeName.began, forKey: .type)
            try payload.encode(to: encoder)
        case .committed(let payload):
            try type.encode(TypeName.committed, forKey: .type)
            try payload.encode(to: encoder)
        case .aborted:
            try type.encode(TypeName.aborted, forKey: .type)
        case .checkpointRequest(let payload):
            try type.encode(TypeName.checkpointRequest, forKey: .type)
            try payload.encode(to: encoder)
        case .stop(let deadline):
            try type.encode(TypeName.stop, forKey: .type)
            var keys = encoder.container(keyedBy: StopKey.self)
            try keys.encode(deadline, forKey: .deadline)
        case .error(let payload):
            try type.encode(TypeName.error, forKey: .type)
            try payload.encode(to: encoder)
        case .ok:
            try type.encode(TypeName.ok, forKey: .type)
        case .pruned(let payload):
            try type.encode(TypeName.pruned, forKey: .type)
            try payload.encode(to: encoder)
        case .status(let status):
            try type.encode(TypeName.status, forKey: .type)
            var keys = encoder.container(keyedBy: StatusKey.self)
            try keys.encode(status, forKey: .status)
        }
    }
}
