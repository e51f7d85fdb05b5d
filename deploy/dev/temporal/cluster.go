package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/sealbook/sealbook/deploy/dev/port"
	ui "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	// shards is fixed for the life of a database, so it is not a flag.
	shards = 16

	clusterName = "active"

	// pollRPS lifts the rate at which a shard reads its queues. The server's
	// default of 20 a second costs 50 ms for every step of a quiet workflow.
	pollRPS = 1000
)

// devCluster is the running server: four services, one process, one UI.
type devCluster struct {
	opts     options
	server   temporal.Server
	ui       *ui.Server
	uiFailed chan error // one error when the UI stops by itself
	httpPort int
}

func (c *devCluster) address() string     { return hostPort(c.opts.ip, c.opts.port) }
func (c *devCluster) httpAddress() string { return hostPort(c.opts.ip, c.httpPort) }

func (c *devCluster) uiURL() string {
	if c.opts.headless {
		return ""
	}
	return "http://" + hostPort(c.opts.ip, c.opts.uiPort)
}

// start lays the schemas, then brings up the services and the UI. It returns
// when the frontend is bound; prepare waits until it answers.
func start(ctx context.Context, o options) (*devCluster, error) {
	c := &devCluster{opts: o, uiFailed: make(chan error, 1)}
	var err error
	if c.opts.port, err = claim(o.ip, o.port, "--port"); err != nil {
		return nil, err
	}
	if !o.headless {
		if c.opts.uiPort, err = claim(o.ip, o.uiPort, "--ui-port"); err != nil {
			return nil, err
		}
	}
	logger := log.NewZapLogger(log.BuildZapLogger(log.Config{Level: o.logLevel, Format: "json"}))
	conf, err := c.config(logger)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start temporal: %w", err)
	}
	if err := c.serve(conf, logger); err != nil {
		return nil, err
	}
	if !o.headless {
		c.serveUI()
	}
	return c, nil
}

func (c *devCluster) serve(conf *config.Config, logger log.Logger) error {
	authorizer, err := authorization.GetAuthorizerFromConfig(&conf.Global.Authorization)
	if err != nil {
		return fmt.Errorf("configure temporal: %w", err)
	}
	claims, err := authorization.GetClaimMapperFromConfig(&conf.Global.Authorization, logger)
	if err != nil {
		return fmt.Errorf("configure temporal: %w", err)
	}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, service := range conf.Services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(hostPort(c.opts.ip, service.RPC.GRPCPort))
	}
	c.server, err = temporal.NewServer(
		temporal.WithConfig(conf),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorizer),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return claims }),
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.TransferProcessorMaxPollRPS.Key():   pollRPS,
			dynamicconfig.TimerProcessorMaxPollRPS.Key():      pollRPS,
			dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): pollRPS,
			// Everything runs in this one process, so the limits that protect a
			// shared cluster from one host would only slow the tests down.
			dynamicconfig.FrontendPersistenceMaxQPS.Key(): 10_000,
			dynamicconfig.HistoryPersistenceMaxQPS.Key():  45_000,
			// A search attribute is usable as soon as it is registered.
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
		}),
	)
	if err != nil {
		return fmt.Errorf("build temporal: %w", err)
	}
	if err := c.server.Start(); err != nil {
		return fmt.Errorf("start temporal: %w", err)
	}
	return nil
}

func (c *devCluster) serveUI() {
	c.ui = ui.NewServer(uioptions.WithConfigProvider(&uiconfig.Config{
		Host:                c.opts.ip,
		Port:                c.opts.uiPort,
		TemporalGRPCAddress: c.address(),
		EnableUI:            true,
		DefaultNamespace:    c.opts.namespace,
		CORS:                uiconfig.CORS{CookieInsecure: true}, // plain HTTP on loopback
		HideLogs:            true,
		DisableNewsFetch:    true,
	}))
	go func() {
		if err := c.ui.Start(); err != nil {
			c.uiFailed <- fmt.Errorf("serve web ui: %w", err)
		}
	}()
}

// stop shuts the UI before the server that it asks.
func (c *devCluster) stop() error {
	if c.ui != nil {
		c.ui.Stop()
	}
	if err := c.server.Stop(); err != nil {
		return fmt.Errorf("stop temporal: %w", err)
	}
	return nil
}

// config is what a production cluster reads from YAML, for one host.
func (c *devCluster) config(logger log.Logger) (*config.Config, error) {
	var conf config.Config
	conf.Global.Membership = config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: c.opts.ip}
	conf.Persistence.NumHistoryShards = shards
	conf.ClusterMetadata = &cluster.Config{
		FailoverVersionIncrement: 10,
		MasterClusterName:        clusterName,
		CurrentClusterName:       clusterName,
		ClusterInformation: map[string]cluster.ClusterInformation{clusterName: {
			Enabled:                true,
			InitialFailoverVersion: 1,
			RPCAddress:             c.address(),
		}},
	}
	conf.DCRedirectionPolicy.Policy = "noop"
	conf.Archival.History.State = "disabled"
	conf.Archival.Visibility.State = "disabled"
	conf.NamespaceDefaults.Archival.History.State = "disabled"
	conf.NamespaceDefaults.Archival.Visibility.State = "disabled"
	conf.PublicClient.HostPort = c.address()

	conf.Services = map[string]config.Service{}
	for _, name := range temporal.DefaultServices {
		free, err := claim(c.opts.ip, 0, "")
		if err != nil {
			return nil, err
		}
		service := config.Service{RPC: config.RPC{BindOnIP: c.opts.ip, GRPCPort: free}}
		if name == string(primitives.FrontendService) {
			service.RPC.GRPCPort, service.RPC.HTTPPort = c.opts.port, free
			c.httpPort = free
		}
		conf.Services[name] = service
	}
	if c.opts.postgres != "" {
		return &conf, c.usePostgres(&conf, logger)
	}
	return &conf, c.useSQLite(&conf)
}

// claim returns the wanted port, or a free one for zero. Somebody may still
// take a wanted one before the server binds it; the check is for a sentence
// that names the flag.
func claim(ip string, wanted int, flagName string) (int, error) {
	if wanted == 0 {
		n, err := port.Free(ip)
		if err != nil {
			return 0, fmt.Errorf("find a free port on %s: %w", ip, err)
		}
		return n, nil
	}
	l, err := net.Listen("tcp", hostPort(ip, wanted))
	if err != nil {
		return 0, fmt.Errorf("port %d on %s is taken: choose another with %s", wanted, ip, flagName)
	}
	return wanted, l.Close()
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
