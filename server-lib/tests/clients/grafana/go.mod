module grafana

go 1.19
