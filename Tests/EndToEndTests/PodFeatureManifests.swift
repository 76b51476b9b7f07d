/// What the tests of pods' features run: plain programs of every machine, described as for Kubernetes. The texts' own paths are an instance's directory.
enum PodFeatureManifests {
    /// `name` is free for a second document of the same kind.
    static func pod(_ name: String, _ spec: String, containers: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name), labels: {app: \(name), tier: back}}
        spec:
        \(indented(spec + "terminationGracePeriodSeconds: 2\ncontainers:\n" + containers))
        ---

        """
    }

    private static func indented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }.joined(separator: "\n")
    }

    /// Unmodified servers that all want port 8080 of every address.
    static let servers = pythonServers("py", replicas: 5)

    /// A Deployment of Python's own web server at port 8080, labelled with its name.
    static func pythonServers(_ name: String, replicas: Int) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name)}
        spec:
          replicas: \(replicas)
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - name: py
                image: py
                command: [/usr/bin/python3, -m, http.server, "8080"]
                ports: [{name: http, containerPort: 8080}]
                readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
        """
    }

    static let objects = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {color: red, size: "9"}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: keys}
        stringData: {token: s3cret}
        ---
        apiVersion: steady.dev/v1
        kind: Image
        metadata: {name: py}
        spec: {reference: "py:v1", command: [/usr/bin/python3]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: my-db}
        spec: {selector: {app: none}, ports: [{port: 5432}]}
        ---

        """

    static let environment = pod(
        "env", "restartPolicy: Never\n",
        containers: """
            - name: main
              image: none
              workingDir: /tmp
              command: [/bin/sh, -c, "echo $C_color $token $COLOR $CHAIN $CPUS $TIER $DB_SET $PWD"]
              resources: {limits: {cpu: 500m}}
              envFrom:
              - {configMapRef: {name: settings}, prefix: C_}
              - {secretRef: {name: keys}}
              - {configMapRef: {name: missing, optional: true}}
              env:
              - {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}
              - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
              - {name: CHAIN, value: "$(NAME)-$$(NAME)-$(UNKNOWN)"}
              - {name: CPUS, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
              - {name: TIER, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
              - {name: DB_SET, value: "$(MY_DB_SERVICE_PORT)"}
            """)

    static let initOrder = pod(
        "order",
        """
        volumes: [{name: work, emptyDir: {}}]
        initContainers:
        - {name: one, image: none, command: [/bin/sh, -c, "sleep 0.1; echo one >> $MOUNT_work/o"], volumeMounts: [{name: work, mountPath: /w}]}
        - {name: two, image: none, command: [/bin/sh, -c, "echo two >> $MOUNT_work/o"], volumeMounts: [{name: work, mountPath: /w}]}

        """,
        containers: """
            - {name: main, image: none, command: [/bin/sh, -c, "cat $MOUNT_work/o; exec sleep 1000"], volumeMounts: [{name: work, mountPath: /w}]}
            """)

    static let live = pod(
        "live",
        """
        volumes:
        - {name: settings, configMap: {name: settings, items: [{key: color, path: a/color}]}}
        - {name: mixed, projected: {sources: [{secret: {name: keys}}, {downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}]}}

        """,
        containers: """
            - name: main
              image: none
              command: [/bin/sh, -c, "cat $MOUNT_mixed/token $MOUNT_mixed/labels; while :; do cat $MOUNT_settings/a/color; echo; sleep 0.1; done"]
              volumeMounts: [{name: settings, mountPath: /etc/settings}, {name: mixed, mountPath: /mixed}]
            """)

    /// Pods that cannot run or do not stay, by name, with the waiting or terminated reason and the text that its message must have.
    static let troubled: [(manifest: String, name: String, reason: String, message: String)] = [
        (pod("noimage", "", containers: "- {name: main, image: py:v9}"), "noimage", "ImageNotFound", "closest reference is \"py:v1\""),
        (
            pod("noprogram", "", containers: "- {name: main, image: none, command: [/no/such/program]}"), "noprogram", "RunContainerError",
            "no such file or directory"
        ),
        (
            pod("notexecutable", "", containers: "- {name: main, image: none, command: [/etc/passwd]}"), "notexecutable",
            "RunContainerError", "permission denied"
        ),
        (
            pod(
                "nokey", "",
                containers:
                    "- {name: main, image: none, command: [/bin/true], env: [{name: A, valueFrom: {secretKeyRef: {name: keys, key: zz}}}]}"
            ),
            "nokey", "CreateContainerConfigError", "couldn't find key zz in Secret default/keys"
        ),
        (
            pod("crashing", "", containers: "- {name: main, image: none, command: [/bin/false]}"), "crashing", "CrashLoopBackOff",
            "restarting failed container"
        ),
        (
            pod("failed", "restartPolicy: Never\n", containers: "- {name: main, image: none, command: [/bin/sh, -c, exit 7]}"), "failed",
            "Error", ""
        ),
        (
            pod("done", "restartPolicy: OnFailure\n", containers: "- {name: main, image: none, command: [/bin/true]}"), "done",
            "Completed", ""
        ),
    ]

    /// Two containers that meet on 127.0.0.1, in several replicas on one machine.
    static let company = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: company}
        spec:
          replicas: 3
          selector: {matchLabels: {app: company}}
          template:
            metadata: {labels: {app: company}}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - {name: server, image: none, command: [/usr/bin/python3, -m, http.server, "8080", --bind, 127.0.0.1]}
              - name: client
                image: none
                command: [/bin/sleep, "1000"]
                readinessProbe:
                  periodSeconds: 1
                  timeoutSeconds: 20
                  exec: {command: [/usr/bin/python3, -c, "import urllib.request as r; r.urlopen('http://localhost:8080/', timeout=10)"]}
        """

    static let unschedulable = pod(
        "nowhere", "nodeSelector: {disk: ssd}\n", containers: "- {name: main, image: none, command: [/bin/true]}")
}
