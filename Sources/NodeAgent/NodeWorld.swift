import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing

/// What an agent sees of the rest: the objects that its pods refer to, and its node's addresses.
final class NodeWorld {
    let api: any ResourceAPI
    let images: ObjectCache
    /// The ConfigMaps and Secrets that its pods name.
    let named: NamedObjects
    let services: ObjectCache
    let drains: DrainWatch
    var addresses: AddressPool?
    /// Called BEFORE an address that was taken is used.
    var onAddressTaken: () -> Void = {}
    private var imageNames: [String: ObjectKey] = [:]
    /// A connection to a server stands. A server that hangs keeps its connections, one that died has none.
    var isConnected: Bool { [images, services].contains(where: \.isConnected) }
    /// Something that a pod may wait for has changed.
    var onChange: (ObjectKey) -> Void = { _ in }

    init(api: any ResourceAPI, proxyCount: Int, nodeCount: Int = 1) {
        self.api = api
        images = ObjectCache(api: api, list: ListRequest(.images))
        named = NamedObjects(api: api, watchLimit: NamedObjects.watchLimit(nodeCount: nodeCount))
        services = ObjectCache(api: api, list: ListRequest(.services))
        drains = DrainWatch(api: api, proxyCount: proxyCount)
    }

    /// An address for a pod, where nobody listens on these ports; see `AddressPool.take`.
    func takeAddress(ports: [UInt16]) -> AddressPool.Address? {
        defer { onAddressTaken() }
        return addresses?.take(acknowledged: drains.acknowledged?.number, isHeld: { PortHolder.isHeld($0, ports) })
    }

    /// `onSynced` is called once, when all are complete.
    func start(onSynced: @escaping () -> Void) {
        var left = 3
        func one() {
            left -= 1
            if left == 0 { onSynced() }
        }
        images.start(
            onChange: { [weak self] key, old, new in
                guard let self else { return }
                if let old { imageNames[Image(old).reference] = nil }
                if let new { imageNames[Image(new).reference] = key }
                onChange(key)
            }, onSynced: one)
        services.start(onChange: { [weak self] key, _, _ in self?.onChange(key) }, onSynced: one)
        named.onChange = { [weak self] key in self?.onChange(key) }
        drains.start(onSynced: one)
    }

    func stop() {
        for cache in [images, services] { cache.stop() }
        named.stop()
        drains.stop()
    }

    /// What an image means now; nil when there is no Image of that reference.
    func image(_ reference: String) -> PinnedImage? {
        imageNames[ImageReference.normalize(reference)].flatMap { images[$0] }.map { PinnedImage(spec: $0["spec"]) }
    }

    /// For the message about a missing one.
    func imageProblem(_ reference: String) -> LaunchProblem {
        let close =
            nearest(ImageReference.normalize(reference), among: imageNames.keys.sorted()).map { "; the closest reference is \"\($0)\"" }
            ?? ""
        let known = imageNames.isEmpty ? "there is no Image at all" : "no Image has the reference \"\(reference)\"\(close)"
        return LaunchProblem(
            "ImageNotFound", "\(known). Apply an Image (steady.dev/v1) with this spec.reference, or give the container a command")
    }

    /// Only of pods that were begun: what nobody names is not known here.
    func configMap(_ namespace: String, _ name: String) -> ConfigMap? {
        named[ObjectKey(.configMaps, namespace: namespace, name: name)].map { ConfigMap($0) }
    }
    func secret(_ namespace: String, _ name: String) -> Secret? {
        named[ObjectKey(.secrets, namespace: namespace, name: name)].map { Secret($0) }
    }
    func services(of namespace: String) -> [Service] {
        services.keys.filter { $0.namespace == namespace }.compactMap { services[$0].map { Service($0) } }
    }
}
