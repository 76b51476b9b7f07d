/// What the tests of pods' features run: plain programs of every machine, described as for Kubernetes. The texts' own paths are an instance's directory.
enum PodFeatureManifests {
    /// Unmodified servers that all want port 8080 of every address.
    static let servers = pythonServers("py", replicas: 5)

    /// A Deployment of Python's own web server at port 8080, labelled with its name.
    static func pythonServers(_ name: String, replicas: Int) -> String {
        Workload.deployment(
            name, replicas: replicas,
            containers: """
                - name: py
                  image: py
                  command: [/usr/bin/python3, -m, http.server, "8080"]
                  ports: [{name: http, containerPort: 8080}]
                  readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
                """)
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

    static let environment = Workload.pod(
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

    static let initOrder = Workload.pod(
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

    static let live = Workload.pod(
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
        (
            Workload.pod("noimage", "", containers: "- {name: main, image: py:v9}"), "noimage", "ImageNotFound",
            "closest reference is \"py:v1\""
        ),
        (
            Workload.pod("noprogram", "", containers: "- {name: main, image: none, command: [/no/such/program]}"), "noprogram",
            "RunContainerError",
            "no such file or directory"
        ),
        (
            Workload.pod("notexecutable", "", containers: "- {name: main, image: none, command: [/etc/passwd]}"), "notexecutable",
            "RunContainerError", "permission denied"
        ),
        (
            Workload.pod(
                "nokey", "",
                containers:
                    "- {name: main, image: none, command: [/bin/true], env: [{name: A, valueFrom: {secretKeyRef: {name: keys, key: zz}}}]}"
            ),
            "nokey", "CreateContainerConfigError", "couldn't find key zz in Secret default/keys"
        ),
        (
            Workload.pod("crashing", "", containers: "- {name: main, image: none, command: [/bin/false]}"), "crashing", "CrashLoopBackOff",
            "restarting failed container"
        ),
        (
            Workload.pod("failed", "restartPolicy: Never\n", containers: "- {name: main, image: none, command: [/bin/sh, -c, exit 7]}"),
            "failed",
            "Error", ""
        ),
        (
            Workload.pod("done", "restartPolicy: OnFailure\n", containers: "- {name: main, image: none, command: [/bin/true]}"), "done",
            "Completed", ""
        ),
    ]

    /// Two containers that meet on 127.0.0.1, in several replicas on one machine.
    static let company = Workload.deployment(
        "company", replicas: 3,
        containers: """
            - {name: server, image: none, command: [/usr/bin/python3, -m, http.server, "8080", --bind, 127.0.0.1]}
            - name: client
              image: none
              command: [/bin/sleep, "1000"]
              readinessProbe:
                periodSeconds: 1
                timeoutSeconds: 20
                exec: {command: [/usr/bin/python3, -c, "import urllib.request as r; r.urlopen('http://localhost:8080/', timeout=10)"]}
            """)

    static let unschedulable = Workload.pod(
        "nowhere", "nodeSelector: {disk: ssd}\n", containers: "- {name: main, image: none, command: [/bin/true]}")
}
