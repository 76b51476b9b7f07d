/// `steady apply`.
enum ApplyVerb {
    static let verb = Verb(
        "apply", group: .workloads, summary: "Make what manifests say so", usage: "-f FILE ...",
        notes: """
            All documents are checked before the first is applied. What was applied before and is left out now is removed, by the same
            annotation that kubectl uses: both programs may apply the same manifests.
            """,
        examples: [
            ("a file", "steady apply -f Manifests/web.yaml"), ("a folder and all below it", "steady apply -R -f Manifests"),
            ("delete what the folder has no longer", "steady apply -f Manifests --prune -l app=web"),
            ("standard input", "steady apply -f - < web.yaml"), ("and wait until it is rolled out", "steady apply -f web.yaml --wait"),
        ],
        flags: [
            .files, .recursive, .kustomize, Verb.namespaceFlag, .selector, .validate, .dryRun,
            Flag("force", nil, .toggle, "delete and make anew what may not be changed"),
            Deletion.gracePeriod, Deletion.cascade,
            Flag("timeout", nil, .value(placeholder: "DURATION"), "with --force: how long to wait at most until the old one is gone"),
            Flag("server-side", nil, .toggle, hidden: true, "not there yet"),
            Flag("wait", nil, .toggle, "until the deployments are rolled out"),
            Flag("progress", nil, .toggle, hidden: true, "show the rollout"),
        ] + Pruning.flags + Flag.objectOutput,
        run: { invocation in
            guard !invocation.isSet("server-side") else {
                throw CommandError.usage(
                    "--server-side: server-side apply is not there yet (the API answers 415); leave it out, and apply merges as kubectl does"
                )
            }
            let files = invocation.all("filename") + invocation.words
            guard !files.isEmpty else { throw CommandError.usage("what to apply? name a file: steady apply -f web.yaml") }
            let manifests = try Manifests.load(
                files, recursive: invocation.isSet("recursive"), validation: try invocation.validation(), terminal: invocation.terminal)
            return try Manifests.apply(manifests, invocation)
        })
}
