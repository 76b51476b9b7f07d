import Formats
import Registry
import Resources
import Testing

struct `Deleting` {
    @Test func `removes at once what nothing holds`() throws {
        var store = StoreFixture()
        let made = try store.create(Sample.configMap("a"), .configMaps)
        let status = try store.perform(.delete(Sample.configMapKey("a"))).object
        #expect(status["status"].string == "Success")
        #expect(status["details"]["uid"] == made["metadata"]["uid"])
        #expect(store.object(Sample.configMapKey("a")) == nil)
        let last = try #require(store.published.last)
        #expect(last.isDeletion && last.object["metadata"]["resourceVersion"].string == store.registry.revision.description)
        #expect(store.refusal(.delete(Sample.configMapKey("a")))?.message == "configmaps \"a\" not found")
    }

    @Test func `gives a pod on a node its grace, and removes it when its agent says that it is gone`() throws {
        var store = StoreFixture()
        let key = Sample.podKey("p")
        let pod = try store.create(Sample.pod("p", node: "a1"), .pods)
        let marked = try store.perform(.delete(key)).object["metadata"]
        #expect(marked["deletionTimestamp"].string == "2026-01-01T00:00:30Z")
        #expect(marked["deletionGracePeriodSeconds"].int == 30)

        let revision = store.registry.tipRevision
        #expect(try store.perform(.delete(key)).object["metadata"] == marked)
        #expect(try store.perform(.delete(key, DeleteOptions(gracePeriodSeconds: 60))).object["metadata"] == marked)
        #expect(store.registry.tipRevision == revision)

        let shorter = try store.perform(.delete(key, DeleteOptions(gracePeriodSeconds: 5))).object["metadata"]
        #expect(shorter["deletionTimestamp"].string == "2026-01-01T00:00:05Z")

        var other = DeleteOptions(gracePeriodSeconds: 0, preconditionUID: "other")
        #expect(store.refusal(.delete(key, other))?.reason == "Conflict")
        other.preconditionUID = pod["metadata"]["uid"].string
        let last = try store.perform(.delete(key, other)).object
        #expect(last["kind"].string == "Pod" && last["metadata"]["uid"].string != nil, "typed clients read the pod")
        #expect(store.object(key) == nil)
    }

    @Test func `gives no grace to a pod that runs nowhere or is over`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.pod("free"), .pods)
        try store.perform(.delete(Sample.podKey("free")))
        #expect(store.object(Sample.podKey("free")) == nil)
        _ = try store.create(Sample.pod("over", node: "a1"), .pods)
        try store.perform(.patch(Sample.podKey("over"), .merge(["status": ["phase": "Succeeded"]]), .status))
        try store.perform(.delete(Sample.podKey("over")))
        #expect(store.object(Sample.podKey("over")) == nil)
    }

    @Test func `waits for finalizers, whichever goes last`() throws {
        var store = StoreFixture()
        let key = Sample.configMapKey("a")
        var map = Sample.configMap("a")
        map["metadata"]["finalizers"] = ["x/y", "x/z"]
        _ = try store.create(map, .configMaps)
        #expect(try store.perform(.delete(key)).object["metadata"]["deletionTimestamp"].string != nil)
        let refusal = store.refusal(.patch(key, .merge(["metadata": ["finalizers": ["x/y", "x/z", "x/new"]]])))
        #expect(
            refusal?.message.contains(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{\"x/new\"}") == true)
        try store.perform(.patch(key, .merge(["metadata": ["finalizers": ["x/z"]]])))
        #expect(store.object(key) != nil)
        try store.perform(.patch(key, .merge(["metadata": ["finalizers": nil]])))
        #expect(store.object(key) == nil)
        #expect(store.published.last?.isDeletion == true)

        var pod = Sample.pod("p", node: "a1", finalizers: ["x/y"])
        pod["spec"]["terminationGracePeriodSeconds"] = 7
        _ = try store.create(pod, .pods)
        try store.perform(.delete(Sample.podKey("p")))
        try store.perform(.patch(Sample.podKey("p"), .merge(["metadata": ["finalizers": nil]])))
        #expect(store.object(Sample.podKey("p"))?["metadata"]["deletionGracePeriodSeconds"].int == 7)
        try store.perform(.delete(Sample.podKey("p"), DeleteOptions(gracePeriodSeconds: 0)))
        #expect(store.object(Sample.podKey("p")) == nil)
    }

    @Test(arguments: [(DeleteOptions.Propagation.foreground, "foregroundDeletion"), (.orphan, "orphan")])
    func `leaves foreground and orphaning to the collector by a finalizer`(propagation: DeleteOptions.Propagation, finalizer: String) throws
    {
        var store = StoreFixture()
        let key = Sample.deploymentKey("web")
        _ = try store.create(Sample.deployment("web"), .deployments)
        try store.perform(.delete(key, DeleteOptions(propagation: propagation)))
        #expect(store.object(key)?["metadata"]["finalizers"] == [.string(finalizer)])
        #expect(store.object(key)?["metadata"]["deletionTimestamp"].string != nil)
        try store.perform(.delete(key, DeleteOptions(propagation: .background)))
        #expect(store.object(key) == nil)
    }

    @Test func `terminates a namespace, which takes nothing new and goes when it is finalized`() throws {
        var store = StoreFixture()
        let key = ObjectKey(.namespaces, name: "team")
        _ = try store.create(["metadata": ["name": "team"]], .namespaces)
        #expect(store.object(key)?["spec"]["finalizers"] == ["kubernetes"])
        try store.perform(.patch(key, .merge(["spec": ["finalizers": []]])))
        #expect(store.object(key)?["spec"]["finalizers"] == ["kubernetes"])

        #expect(try store.perform(.delete(key)).object["status"]["phase"].string == "Terminating")
        let refusal = store.refusal(.create(Sample.configMap("a"), type: .configMaps, namespace: "team"))
        #expect(refusal?.code == 403)
        #expect(
            refusal?.message
                == "configmaps \"a\" is forbidden: unable to create new content in namespace team because it is being terminated")
        try store.perform(.patch(key, .merge(["spec": ["finalizers": []]])))
        #expect(store.object(key) == nil)
        #expect(store.refusal(.delete(ObjectKey(.namespaces, name: "default")))?.code == 403)
    }

    @Test func `takes a collection by its selector, dry or not`() throws {
        var store = StoreFixture()
        for (name, app) in [("a", "x"), ("b", "y"), ("c", "x")] {
            _ = try store.create(Sample.configMap(name, labels: ["app": app]), .configMaps)
        }
        let list = ListRequest(.configMaps, namespace: "default", labelSelector: LabelSelector([.init("app", .in, ["x"])]))
        #expect(try store.perform(.deleteCollection(list, DeleteOptions(isDryRun: true))).items.count == 2)
        #expect(try store.perform(.list(list)).items.count == 2)
        #expect(try store.perform(.deleteCollection(list)).items.compactMap { $0["metadata"]["name"].string } == ["a", "c"])
        #expect(try store.perform(.list(ListRequest(.configMaps))).items.count == 1)
    }

    @Test func `by eviction answers as Kubernetes does`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.pod("p", node: "a1"), .pods)
        let reply = try store.perform(.evict(Sample.podKey("p")))
        #expect(reply.isCreated && reply.object["status"].string == "Success")
        #expect(store.object(Sample.podKey("p"))?["metadata"]["deletionTimestamp"].string != nil)
        #expect(store.refusal(.evict(Sample.configMapKey("a")))?.code == 404)
    }
}
