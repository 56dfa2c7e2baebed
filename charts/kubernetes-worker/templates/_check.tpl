{{/* What no schema can say: values that do not go together. Each message names the
     value and says what to do. */}}
{{- define "cuttle.check" -}}
{{- $agent := .Values.agent -}}
{{- if $agent.deploymentTarget.enabled -}}
{{- fail "agent.deploymentTarget.enabled: this chart installs workers only; install deployment targets with the chart kubernetes-agent" -}}
{{- end -}}
{{- if not $agent.worker.enabled -}}
{{- fail "agent.worker.enabled: this chart installs workers only; leave the value out or set it to true" -}}
{{- end -}}
{{- if contains "kubernetes-agent-tentacle" $agent.image.repository -}}
{{- fail (printf "agent.image.repository: %s is the stock worker's image, kept from the values of an earlier release; set agent.image.repository and agent.image.tag to this worker's image, or leave them out" $agent.image.repository) -}}
{{- end -}}
{{- if .Values.persistence.nfs.enabled -}}
{{- fail "persistence.nfs.enabled: this chart has no NFS server, which needs a privileged pod; set persistence.storageClassName to a class with ReadWriteMany volumes, or cuttle.persistence.existingClaim to a claim, and persistence.nfs.enabled to false" -}}
{{- end -}}
{{- if and $agent.serverSubscriptionId (not (hasPrefix "poll://" $agent.serverSubscriptionId)) -}}
{{- fail (printf "agent.serverSubscriptionId: %s does not start with poll://" $agent.serverSubscriptionId) -}}
{{- end -}}
{{- if and .Values.cuttle.persistence.existingClaim (or .Values.persistence.volumeName .Values.persistence.storageClassName) -}}
{{- fail "cuttle.persistence.existingClaim: the claim is there already, so persistence.volumeName and persistence.storageClassName have no effect; leave them out" -}}
{{- end -}}
{{- $registration := .Values.cuttle.registration -}}
{{- if and $registration.deregister (not $registration.enabled) -}}
{{- fail "cuttle.registration.deregister: there is nothing to undo, because cuttle.registration.enabled is false; leave one of them out" -}}
{{- end -}}
{{- if and $registration.deregister (not (include "cuttle.auth.inline" . | trim)) (not (or $agent.bearerTokenSecretName $agent.serverApiKeySecretName $agent.usernamePasswordSecretName)) -}}
{{- fail "cuttle.registration.deregister: the server asks for credentials that are still valid when the release is uninstalled; set agent.serverApiKeySecretName, or another one" -}}
{{- end -}}
{{- if .Values.scriptPods.podTemplate.enabled -}}
{{- $policy := get .Values.scriptPods.podTemplate.podSpec "restartPolicy" | default "Never" -}}
{{- if ne $policy "Never" -}}
{{- fail (printf "scriptPods.podTemplate.podSpec.restartPolicy: %s would run a finished script again; leave it out" $policy) -}}
{{- end -}}
{{- end -}}
{{- end }}
