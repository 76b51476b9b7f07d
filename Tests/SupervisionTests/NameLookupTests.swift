import Formats
import Resources
import Testing
import Wire

@testable import Supervision

/// What becomes of `dnsPolicy` and `dnsConfig`, by Kubernetes' rules.
@Suite struct NameLookupTests {
    private static let config: Value = [
        "searches": ["pod.example", "machine.example"], "options": [["name": "ndots", "value": "2"], ["name": "rotate"]],
    ]
    private static let cluster = "shop.svc.cluster.local svc.cluster.local cluster.local"

    struct Row: Sendable {
        var spec: Value
        var annotations: Value = [:]
        var asksCluster: Bool
        var variables: [String]
        var nameServers: [String] = []
    }

    static let table: [Row] = [
        Row(spec: [:], asksCluster: true, variables: ["LOCALDOMAIN=\(cluster) machine.example", "RES_OPTIONS=ndots:5 use-vc"]),
        Row(
            spec: ["dnsConfig": config], asksCluster: true,
            variables: ["LOCALDOMAIN=\(cluster) machine.example pod.example", "RES_OPTIONS=ndots:2 use-vc rotate"]),
        Row(spec: ["dnsPolicy": "Default"], asksCluster: false, variables: []),
        Row(
            spec: ["dnsPolicy": "Default", "dnsConfig": config], asksCluster: false,
            variables: ["LOCALDOMAIN=machine.example pod.example", "RES_OPTIONS=ndots:2 rotate"]),
        Row(
            spec: ["dnsPolicy": "None", "dnsConfig": config], asksCluster: false,
            variables: ["LOCALDOMAIN=pod.example machine.example", "RES_OPTIONS=ndots:2 rotate"]),
        Row(spec: ["dnsPolicy": "None"], asksCluster: false, variables: ["LOCALDOMAIN=."]),
        Row(
            spec: ["dnsPolicy": "None", "dnsConfig": ["nameservers": ["10.0.0.7"], "searches": ["corp"]]], asksCluster: false,
            variables: ["LOCALDOMAIN=corp", "RES_OPTIONS=use-vc"], nameServers: ["10.0.0.7"]),
        Row(
            spec: ["dnsConfig": ["nameservers": ["10.0.0.7"]]], asksCluster: true,
            variables: ["LOCALDOMAIN=\(cluster) machine.example", "RES_OPTIONS=ndots:5 use-vc"]),
        Row(
            spec: ["hostNetwork": true, "dnsPolicy": "None", "dnsConfig": ["nameservers": ["10.0.0.7"], "searches": ["corp"]]],
            asksCluster: false, variables: ["LOCALDOMAIN=corp"]),
        Row(spec: ["hostNetwork": true], asksCluster: false, variables: []),
        Row(spec: [:], annotations: ["steady.dev/dns": "off"], asksCluster: false, variables: []),
        Row(spec: ["dnsConfig": config], annotations: ["steady.dev/dns": "off"], asksCluster: false, variables: []),
    ]

    @Test(arguments: table) func `A pod's programs are told where to look`(row: Row) {
        let pod = Pod([
            "metadata": ["name": "a", "namespace": "shop", "annotations": row.annotations], "spec": row.spec,
        ])
        let lookup = NameLookup(pod: pod, machine: ResolverConfiguration("nameserver 10.0.0.1\nsearch machine.example"))
        #expect(lookup.asksCluster == row.asksCluster && lookup.nameServers == row.nameServers)
        #expect(lookup.variables.map { "\($0)=\($1)" } == row.variables)
    }
}
