{{/* The worker's pod. Each part is built as an object first, so that a user's own
     keys can be merged into it. */}}

{{/* Where credentials come from: the release's secret, or the user's ones. They
     may be removed once the worker is registered. */}}
{{- define "cuttle.auth.sources" -}}
{{- $agent := .Values.agent -}}
{{- if or (include "cuttle.auth.inline" .) $agent.pollingProxy.password }}
- secret:
    name: {{ include "cuttle.name" . }}-tentacle-server-auth
    optional: true
{{- end }}
{{- if $agent.certificate }}
- secret:
    name: {{ include "cuttle.name" . }}-tentacle-certificate
{{- end }}
{{- with $agent.bearerTokenSecretName }}
- secret:
    name: {{ . }}
    optional: true
    items:
      - {key: bearer-token, path: bearer-token}
{{- end }}
{{- with $agent.serverApiKeySecretName }}
- secret:
    name: {{ . }}
    optional: true
    items:
      - {key: api-key, path: api-key}
{{- end }}
{{- with $agent.usernamePasswordSecretName }}
- secret:
    name: {{ . }}
    optional: true
    items:
      - {key: username, path: username}
      - {key: password, path: password}
{{- end }}
{{- end }}

{{- define "cuttle.volumes" -}}
- name: tentacle-home
  persistentVolumeClaim:
    claimName: {{ include "cuttle.claim" . }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- if .Values.cuttle.registration.enabled }}
{{- with include "cuttle.auth.sources" . }}
- name: server-auth
  projected:
    # (the group is the pod's fsGroup)
    defaultMode: 0440
    sources:
      {{- . | nindent 6 }}
{{- end }}
{{- with include "cuttle.certificate.volume" . }}
{{ . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The certificate of a server that no public authority vouches for. */}}
{{- define "cuttle.certificate.volume" -}}
{{- $inline := .Values.agent.serverCertificate | default .Values.global.serverCertificate -}}
{{- $secret := .Values.agent.serverCertificateSecretName | default .Values.global.serverCertificateSecretName -}}
{{- if $inline -}}
- name: server-certificate
  configMap:
    name: octopus-server-certificate
{{- else if $secret -}}
- name: server-certificate
  secret:
    secretName: {{ $secret }}
{{- end }}
{{- end }}

{{- define "cuttle.container.register" -}}
name: register
image: {{ include "cuttle.image" . | quote }}
imagePullPolicy: {{ .Values.agent.image.pullPolicy }}
command: [/usr/local/bin/cuttle, register]
env:
  {{- include "cuttle.env.common" . | nindent 2 }}
  {{- include "cuttle.env.register" . | nindent 2 }}
  {{- with .Values.agent.preinstall.containers.tentacle.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
resources:
  {{- toYaml .Values.agent.resources | nindent 2 }}
securityContext:
  {{- include "cuttle.worker.containerSecurity" . | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if include "cuttle.auth.sources" . }}
  - name: server-auth
    mountPath: /etc/cuttle/auth
    readOnly: true
  {{- end }}
  {{- if include "cuttle.certificate.volume" . }}
  - name: server-certificate
    mountPath: /etc/ssl/certs/octopus-server-certificate.pem
    subPath: octopus-server-certificate.pem
    readOnly: true
  {{- end }}
{{- end }}

{{- define "cuttle.container.run" -}}
{{- $probe := .Values.agent.livenessProbe -}}
name: {{ include "cuttle.name" . }}-tentacle
image: {{ include "cuttle.image" . | quote }}
imagePullPolicy: {{ .Values.agent.image.pullPolicy }}
command: [/usr/local/bin/cuttle, run]
env:
  {{- include "cuttle.env.common" . | nindent 2 }}
  {{- include "cuttle.env.run" . | trim | nindent 2 }}
  {{- with .Values.agent.containers.tentacle.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: http
    containerPort: {{ .Values.cuttle.http.port }}
    protocol: TCP
  {{- if .Values.cuttle.runnerLink.enabled }}
  - name: runner-link
    containerPort: {{ .Values.cuttle.runnerLink.port }}
    protocol: TCP
  {{- end }}
startupProbe:
  httpGet: {path: /healthz, port: http}
  initialDelaySeconds: 1
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 100
livenessProbe:
  httpGet: {path: /healthz, port: http}
  initialDelaySeconds: {{ $probe.initialDelaySeconds | default 30 }}
  periodSeconds: {{ $probe.periodSeconds | default 30 }}
  timeoutSeconds: {{ $probe.timeoutSeconds | default 5 }}
  failureThreshold: {{ $probe.failureThreshold | default 3 }}
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: {{ .Values.cuttle.readinessProbe.periodSeconds }}
  timeoutSeconds: {{ .Values.cuttle.readinessProbe.timeoutSeconds }}
  failureThreshold: {{ .Values.cuttle.readinessProbe.failureThreshold }}
resources:
  {{- toYaml .Values.agent.resources | nindent 2 }}
securityContext:
  {{- include "cuttle.worker.containerSecurity" . | nindent 2 }}
volumeMounts:
  - name: tentacle-home
    mountPath: /octopus
  - name: tmp
    mountPath: /tmp
{{- end }}

{{- define "cuttle.pod.spec" -}}
serviceAccountName: {{ include "cuttle.serviceAccount" . }}
automountServiceAccountToken: true
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.cuttle.terminationGracePeriodSeconds }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "cuttle.worker.podSecurity" . | nindent 2 }}
{{- with .Values.agent.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.agent.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.agent.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .Values.cuttle.registration.enabled }}
{{- $register := include "cuttle.container.register" . | fromYaml }}
initContainers:
  - {{- include "cuttle.merge" (dict "base" $register "extra" .Values.agent.preinstall.containers.tentacle.spec) | nindent 4 }}
{{- end }}
{{- $run := include "cuttle.container.run" . | fromYaml }}
containers:
  - {{- include "cuttle.merge" (dict "base" $run "extra" .Values.agent.containers.tentacle.spec) | nindent 4 }}
volumes:
  {{- include "cuttle.volumes" . | nindent 2 }}
{{- end }}
