package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/sealbook/sealbook/internal/mail"
)

// reportSettings are those of what seals reports and of what sends them.
var reportSettings = []setting{
	{"SEALBOOK_REPORT_CERTIFICATE", "file of the certificate that seals reports, with its\nissuers' (PEM)", plain(func(c *Config) *string { return &c.ReportCertificate })},
	{"SEALBOOK_REPORT_KEY", "file of its private key (PEM), or a pkcs11: URI of one\nin a hardware security module (docs/reports.md)", plain(func(c *Config) *string { return &c.ReportKey })},
	{"SEALBOOK_REPORT_PKCS12", "file of both (.p12) instead of the two", plain(func(c *Config) *string { return &c.ReportPKCS12 })},
	{"SEALBOOK_REPORT_PASSWORD_FILE", "file of the password of SEALBOOK_REPORT_PKCS12", plain(func(c *Config) *string { return &c.ReportPasswordFile })},
	{"SEALBOOK_DEVELOPMENT", "true: nobody relies on what this installation seals,\nand certificates for development are taken (default\nfalse)", func(c *Config, v string) (err error) {
		if c.Development, err = strconv.ParseBool(v); err != nil {
			return fmt.Errorf("%q is not true or false", v)
		}
		return nil
	}},
	{"SEALBOOK_MAIL_FROM", "e-mail address that reports are sent from (default:\nnone, and no mail is sent)", plain(func(c *Config) *string { return &c.MailFrom })},
	{"SEALBOOK_MAIL_NAME", "name of the sender (default Sealbook)", plain(func(c *Config) *string { return &c.MailName })},
	{"SEALBOOK_SENDGRID_KEY_FILE", "file of the key of the SendGrid account that sends", plain(func(c *Config) *string { return &c.SendGridKeyFile })},
	{"SEALBOOK_SENDGRID_URL", "where its API is, as of a stand-in (default\n" + defaultSendGrid + ")", web(func(c *Config) *string { return &c.SendGridURL })},
	{"SEALBOOK_SMTP_ADDR", "mail server to send with instead, as host:port", func(c *Config, v string) error {
		host, port, err := net.SplitHostPort(v)
		if err != nil || host == "" || port == "" {
			return fmt.Errorf("%q is not an address like mail.example.com:587", v)
		}
		c.SMTPAddr = v
		return nil
	}},
	{"SEALBOOK_SMTP_TLS", "how it is reached: starttls, implicit, or none for a\nserver on this machine (default starttls)", func(c *Config, v string) error {
		c.SMTPTLS = mail.TLSMode(v)
		if !slices.Contains([]mail.TLSMode{mail.StartTLS, mail.ImplicitTLS, mail.NoTLS}, c.SMTPTLS) {
			return fmt.Errorf("%q is not one of starttls, implicit, none", v)
		}
		return nil
	}},
	{"SEALBOOK_SMTP_USERNAME", "who logs in there (default: nobody)", plain(func(c *Config) *string { return &c.SMTPUsername })},
	{"SEALBOOK_SMTP_PASSWORD_FILE", "file of their password", plain(func(c *Config) *string { return &c.SMTPPasswordFile })},
	{"SEALBOOK_SENDGRID_EVENT_KEY", "key that SendGrid's Signed Event Webhook is verified\nwith, as SendGrid shows it (default: none, and events\nare not taken)", func(c *Config, v string) (err error) {
		c.MailEvents, err = mail.ParseEventKey(v)
		return err
	}},
}
