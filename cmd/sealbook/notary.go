package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/exchange"
	"github.com/sealbook/sealbook/internal/hsm"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/tsa"
)

// notarySettings say what the worker seals reports with, and mailSettings how it
// sends them.
var (
	notarySettings = []string{"SEALBOOK_REPORT_CERTIFICATE", "SEALBOOK_REPORT_KEY", "SEALBOOK_REPORT_PKCS12", "SEALBOOK_REPORT_PASSWORD_FILE", "SEALBOOK_DEVELOPMENT"}
	mailSettings   = []string{
		"SEALBOOK_MAIL_FROM", "SEALBOOK_MAIL_NAME", "SEALBOOK_SENDGRID_KEY_FILE", "SEALBOOK_SENDGRID_URL",
		"SEALBOOK_SMTP_ADDR", "SEALBOOK_SMTP_TLS", "SEALBOOK_SMTP_USERNAME", "SEALBOOK_SMTP_PASSWORD_FILE",
	}
)

// defaultSendGrid is where SendGrid's API is.
const defaultSendGrid = "https://api.sendgrid.com"

// maxReportStampWait is how long an authority may take for one time stamp.
const maxReportStampWait = 20 * time.Second

// notary is what reports are sealed with; nil when nothing is configured. A
// certificate that was made for development is refused unless the installation
// says that it is one.
func notary(c Config) (*activities.Notary, error) {
	var identity sign.Identity
	switch {
	case c.ReportPKCS12 != "" && (c.ReportCertificate != "" || c.ReportKey != ""):
		return nil, usagef("SEALBOOK_REPORT_PKCS12 holds certificate and key: leave SEALBOOK_REPORT_CERTIFICATE and SEALBOOK_REPORT_KEY out")
	case c.ReportPKCS12 != "":
		data, err := readSettingFile("SEALBOOK_REPORT_PKCS12", c.ReportPKCS12)
		if err != nil {
			return nil, err
		}
		password := []byte{}
		if c.ReportPasswordFile != "" {
			if password, err = readSettingFile("SEALBOOK_REPORT_PASSWORD_FILE", c.ReportPasswordFile); err != nil {
				return nil, err
			}
		}
		if identity, err = sign.LoadPKCS12(data, strings.TrimRight(string(password), "\r\n")); err != nil {
			return nil, usagef("SEALBOOK_REPORT_PKCS12: %s", err)
		}
	case hsm.Is(c.ReportKey):
		var err error
		if identity, err = moduleIdentity(c); err != nil {
			return nil, err
		}
	case c.ReportCertificate != "" && c.ReportKey != "":
		certificates, err := readSettingFile("SEALBOOK_REPORT_CERTIFICATE", c.ReportCertificate)
		if err != nil {
			return nil, err
		}
		key, err := readSettingFile("SEALBOOK_REPORT_KEY", c.ReportKey)
		if err != nil {
			return nil, err
		}
		if identity, err = sign.LoadPEM(certificates, key); err != nil {
			return nil, usagef("SEALBOOK_REPORT_CERTIFICATE and SEALBOOK_REPORT_KEY: %s", err)
		}
	case c.ReportCertificate != "" || c.ReportKey != "":
		return nil, usagef("SEALBOOK_REPORT_CERTIFICATE and SEALBOOK_REPORT_KEY belong together")
	default:
		return nil, nil
	}
	if identity.Development() && !c.Development {
		return nil, usagef("the certificate to seal reports with was made for development: anybody could have it. SEALBOOK_DEVELOPMENT=true allows it where nobody relies on reports")
	}
	n := &activities.Notary{Identity: identity}
	if c.TSAURL != "" {
		roots, err := readRoots("SEALBOOK_TSA_ROOTS", c.TSARoots)
		if err != nil {
			return nil, err
		}
		n.Stamp = &tsa.Authority{URL: c.TSAURL, Roots: roots, Wait: maxReportStampWait, Client: exchange.NewClient()}
	}
	return n, nil
}

// moduleIdentity is a key in a hardware security module with its certificates, from
// their file or, when none is named, from the module. What the setting says is in no
// error, as the PIN may be part of it.
func moduleIdentity(c Config) (identity sign.Identity, err error) {
	uri, err := hsm.Parse(c.ReportKey)
	if err != nil {
		return identity, usagef("SEALBOOK_REPORT_KEY: %s", err)
	}
	signer, chain, err := hsm.Open(uri, func() (string, error) { return uri.PIN(c.env.LookupEnv) })
	switch {
	case audit.CodeOf(err) == audit.Unavailable: // the settings may be right
		return identity, fmt.Errorf("SEALBOOK_REPORT_KEY: %w", err)
	case err != nil:
		return identity, usagef("SEALBOOK_REPORT_KEY: %s", err)
	case c.ReportCertificate == "" && len(chain) == 0:
		return identity, usagef("SEALBOOK_REPORT_CERTIFICATE is not set, and the token has no certificate with the id of the key that %s names", uri)
	case c.ReportCertificate == "":
		identity, err = sign.NewIdentity(signer, chain...)
	default:
		certificates, errRead := readSettingFile("SEALBOOK_REPORT_CERTIFICATE", c.ReportCertificate)
		if errRead != nil {
			return identity, errRead
		}
		identity, err = sign.LoadSigner(certificates, signer)
	}
	if err != nil {
		return identity, usagef("SEALBOOK_REPORT_CERTIFICATE and SEALBOOK_REPORT_KEY: %s", err)
	}
	return identity, nil
}

// mailer sends reports, with SendGrid or a mail server; nil when nothing is
// configured.
func mailer(c Config) (activities.Mailer, error) {
	switch {
	case c.MailFrom == "" && c.SendGridKeyFile == "" && c.SMTPAddr == "":
		return nil, nil
	case c.MailFrom == "":
		return nil, usagef("SEALBOOK_MAIL_FROM is not set: mails need a sender")
	case c.SendGridKeyFile != "" && c.SMTPAddr != "":
		return nil, usagef("SEALBOOK_SENDGRID_KEY_FILE and SEALBOOK_SMTP_ADDR are two ways to send: leave one out")
	case c.SMTPAddr != "":
		return mailServer(c)
	case c.SendGridKeyFile == "":
		return nil, usagef("SEALBOOK_MAIL_FROM is set, and neither SEALBOOK_SENDGRID_KEY_FILE nor SEALBOOK_SMTP_ADDR is: there is nothing to send with")
	}
	key, err := readSettingFile("SEALBOOK_SENDGRID_KEY_FILE", c.SendGridKeyFile)
	if err != nil {
		return nil, err
	}
	return &mail.Sender{Key: strings.TrimSpace(string(key)), From: c.MailFrom, FromName: c.MailName, BaseURL: c.SendGridURL}, nil
}

func mailServer(c Config) (activities.Mailer, error) {
	s := &mail.SMTP{Addr: c.SMTPAddr, Username: c.SMTPUsername, From: c.MailFrom, FromName: c.MailName, TLS: c.SMTPTLS, Clock: audit.SystemClock}
	if (c.SMTPUsername == "") != (c.SMTPPasswordFile == "") {
		return nil, usagef("SEALBOOK_SMTP_USERNAME and SEALBOOK_SMTP_PASSWORD_FILE belong together")
	}
	if c.SMTPPasswordFile != "" {
		password, err := readSettingFile("SEALBOOK_SMTP_PASSWORD_FILE", c.SMTPPasswordFile)
		if err != nil {
			return nil, err
		}
		s.Password = strings.TrimRight(string(password), "\r\n")
	}
	return s, nil
}
