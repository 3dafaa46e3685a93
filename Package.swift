// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// The layers, bottom up: nothing imports upwards, and `LayersTests` holds the sources to it.
let package = Package(
    name: "supervise",
    targets: [
        .target(name: "CLinux", cSettings: [.define("_GNU_SOURCE")]),
        .target(name: "SuperviseSystem", dependencies: ["CLinux"], swiftSettings: swift),
        .target(name: "SuperviseFormats", swiftSettings: swift),
        .target(name: "SuperviseCore", dependencies: ["SuperviseFormats"], swiftSettings: swift),
        .target(
            name: "SuperviseStore", dependencies: ["SuperviseSystem", "SuperviseFormats"],
            swiftSettings: swift),
        .target(
            name: "SuperviseText",
            dependencies: [
                "SuperviseSystem", "SuperviseFormats", "SuperviseCore", "SuperviseStore",
            ],
            swiftSettings: swift),
        .target(
            name: "SuperviseHost",
            dependencies: [
                "SuperviseSystem", "SuperviseFormats", "SuperviseText", "SuperviseCore",
                "SuperviseStore",
            ],
            swiftSettings: swift),
        .executableTarget(
            name: "supervise",
            dependencies: [
                "SuperviseSystem", "SuperviseFormats", "SuperviseText", "SuperviseCore",
                "SuperviseStore", "SuperviseHost",
            ],
            swiftSettings: swift),

        .target(
            name: "TestSupport",
            dependencies: ["SuperviseSystem", "SuperviseFormats"],
            path: "Tests/TestSupport", swiftSettings: swift),
        .executableTarget(
            name: "FixtureJob",
            dependencies: ["SuperviseSystem", "SuperviseFormats", "TestSupport"],
            path: "Tests/FixtureJob", swiftSettings: swift),
        .testTarget(
            name: "SuperviseSystemTests", dependencies: ["SuperviseSystem", "TestSupport"],
            swiftSettings: swift),
        .testTarget(
            name: "SuperviseFormatsTests", dependencies: ["SuperviseFormats"], swiftSettings: swift),
        .testTarget(
            name: "SuperviseCoreTests", dependencies: ["SuperviseCore", "SuperviseFormats"],
            swiftSettings: swift),
        .testTarget(
            name: "SuperviseStoreTests",
            dependencies: ["SuperviseStore", "SuperviseText", "TestSupport"],
            swiftSettings: swift),
        .testTarget(
            name: "SuperviseHostTests",
            dependencies: [
                "SuperviseSystem", "SuperviseFormats", "SuperviseText", "SuperviseCore",
                "SuperviseStore", "SuperviseHost", "supervise", "FixtureJob", "TestSupport",
            ],
            swiftSettings: swift),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "supervise", "SuperviseSystem", "SuperviseFormats", "SuperviseText",
                "SuperviseCore", "SuperviseStore", "SuperviseHost", "TestSupport",
            ],
            swiftSettings: swift),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "supervise", "SuperviseSystem", "SuperviseFormats", "FixtureJob", "TestSupport",
            ],
            swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6]
)
