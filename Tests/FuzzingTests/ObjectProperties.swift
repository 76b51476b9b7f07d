import Formats
import Registry
import Resources
import Timing
import Traffic
import Wire

extension Property {
    /// Manifests at the API: what is accepted can be read back, printed, written again as it was read, and recovered from its record; and a router lives
    /// with every Service, slice and TrafficPolicy among them.
    static let object = Property(name: "object", mutationCount: 200) { bytes in
        guard let documents = try? YAML.parse(bytes, schema: .kubernetes), documents.count <= 8 else { return nil }
        var random = SeededRandom(seed: 1)
        guard var registry = try? Recovery(settings: RegistrySettings()).registry() else { return "there is no empty store" }
        _ = registry.bootstrap(now: now, random: &random)
        _ = registry.durable(through: registry.tipRevision)
        var routes = RouteSource(services: [service], slices: [slice])
        for document in documents {
            let value = document.value
            guard let type = ResourceType.of(apiVersion: value["apiVersion"].string ?? "", kind: value["kind"].string ?? "") else {
                continue
            }
            let namespace = type.isNamespaced ? "default" : ""
            let request = Request.create(value, type: type, namespace: namespace)
            guard case .commit(let ticket) = registry.submit(request, now: now, random: &random) else { continue }
            _ = registry.durable(through: registry.tipRevision)
            var recovery = Recovery(settings: RegistrySettings())
            for record in ticket.records {
                do { try recovery.add(record.head + record.body, at: record.revision) } catch { return "its record is not read: \(error)" }
            }
            guard case .object(let stored) = ticket.reply.body else { return "it is stored, and not told" }
            let key = ObjectKey(type, namespace: namespace, name: stored["metadata"]["name"].string ?? "")
            guard registry.object(key) == stored else { return "it was stored, and is not found" }
            do {
                if type.isDurable, try recovery.registry().object(key)?.isEquivalent(to: stored) != true { return "it is not recovered" }
            } catch { return "it is not recovered: \(error)" }
            _ = Printing.cells(stored, type, now: now)
            if let violation = ObjectUse.violation(stored, type, now: now) { return violation }
            if case .reply(.failure(let error), _) = registry.submit(.update(key, stored), now: now, random: &random) {
                return "it cannot be written as it was read: \(error.message)"
            }
            let name = key.name
            switch type {
            case .services: routes.set(service: stored, namespace: namespace, name: name)
            case .endpointSlices: routes.set(slice: stored, namespace: namespace, name: name)
            case .trafficPolicies: routes.set(policy: stored, namespace: namespace, name: name)
            case .configMaps: routes.set(configMap: stored, namespace: namespace, name: name)
            default: break
            }
        }
        return route(routes.table())
    }

    /// A router with the table, over which a few requests go, as many as its places allow.
    private static func route(_ table: RouteTable) -> String? {
        var router = Router(seed: 1)
        var moment = Instant.zero
        _ = router.swap(table, now: moment)
        var head = ByteQueue()
        head.append(Array("GET /a?b=c HTTP/1.1\r\nHost: web\r\nX-User: u\r\nCookie: s=1\r\n\r\n".utf8))
        var reader = RequestReader()
        guard case .head(let request)? = try? reader.next(&head) else { return "a plain request is not read" }
        for backend in table.backends {
            guard let id = router.backend(backend.name) else { return "a backend of the table is not found" }
            for client in 0..<12 as Range<UInt32> {
                moment = moment + .milliseconds(300)
                guard case .stay(var stay) = router.admit(id, request, client: client, now: moment) else { continue }
                _ = router.fault(id)
                guard case .endpoint(let endpoint) = router.choose(id, client: client, avoiding: [], stay: stay, now: moment) else {
                    router.left(stay)
                    continue
                }
                if client % 3 == 0 { router.refused(endpoint, now: moment) } else { router.answered(endpoint) }
                router.note(isFailure: client % 2 == 0, of: stay, now: moment)
                _ = router.mayRepeat(&stay, now: moment)
                router.finished(endpoint, .exchanges)
                router.left(stay)
            }
            router.refreshHealth(now: moment + .seconds(60))
        }
        _ = router.swap(RouteTable(), now: moment)
        return nil
    }

    private static let now = Timestamp(secondsSince1970: 1_800_000_000)

    /// What policies and slices may be about.
    private static let service: Value = [
        "metadata": ["name": "web", "namespace": "default"],
        "spec": ["clusterIP": "127.32.0.5", "ports": [["name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080]]],
    ]
    private static let slice: Value = [
        "metadata": ["name": "web-1", "namespace": "default", "labels": ["kubernetes.io/service-name": "web"]], "addressType": "IPv4",
        "ports": [["name": "http", "port": 8080, "protocol": "TCP"]],
        "endpoints": [
            ["addresses": ["127.64.0.5"], "conditions": ["ready": true, "serving": true], "zone": "a", "nodeName": "a1"],
            ["addresses": ["127.64.0.6"], "conditions": ["ready": true, "serving": true], "zone": "b", "nodeName": "b1"],
        ],
    ]
}
