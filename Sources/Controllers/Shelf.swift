import APIClient
import Formats
import Reconciling
import Resources

/// The objects of one kind as plans see them: decoded once for every change, and reported to the loops that asked.
final class Shelf<View> {
    let type: ResourceType
    let cache: ObjectCache
    private(set) var views: [ObjectKey: View] = [:]
    private let decode: (Value) -> View
    private var listeners: [(ObjectKey, View?, View?) -> Void] = []

    init(_ type: ResourceType, api: any ResourceAPI, decode: @escaping (Value) -> View) {
        self.type = type
        self.decode = decode
        cache = ObjectCache(api: api, list: ListRequest(type))
    }

    subscript(key: ObjectKey) -> View? { views[key] }

    /// Called for every change, AFTER `views` shows it, in the order of registration.
    func onChange(_ listener: @escaping (_ key: ObjectKey, _ old: View?, _ new: View?) -> Void) { listeners.append(listener) }

    func start(onSynced: @escaping () -> Void) {
        cache.start(
            onChange: { [unowned self] key, _, new in
                let old = views[key]
                let view = new.map(decode)
                views[key] = view
                for listener in listeners { listener(key, old, view) }
            }, onSynced: onSynced)
    }
}
