package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/sign"
)

// notarySettings say what the worker seals reports with, and mailSettings how it
// sends them.
var (
	notarySettings = []string{"SEALBOOK_REPORT_CERTIFICATE", "SEALBOOK_REPORT_KEY", "SEALBOOK_REPORT_PKCS12", "SEALBOOK_REPORT_PASSWORD_FILE", "SEALBOOK_DEVELOPMENT"}
	mailSettings   = []string{"SEALBOOK_MAIL_FROM", "SEALBOOK_MAIL_NAME", "SEALBOOK_SENDGRID_KEY_FILE", "SEALBOOK_SENDGRID_URL"}
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
		data, err := readReportFile("SEALBOOK_REPORT_PKCS12", c.ReportPKCS12)
		if err != nil {
			return nil, err
		}
		password := []byte{}
		if c.ReportPasswordFile != "" {
			if password, err = readReportFile("SEALBOOK_REPORT_PASSWORD_FILE", c.ReportPasswordFile); err != nil {
				return nil, err
			}
		}
		if identity, err = sign.LoadPKCS12(data, strings.TrimRight(string(password), "\r\n")); err != nil {
			return nil, usagef("SEALBOOK_REPORT_PKCS12: %s", err)
		}
	case c.ReportCertificate != "" && c.ReportKey != "":
		certificates, err := readReportFile("SEALBOOK_REPORT_CERTIFICATE", c.ReportCertificate)
		if err != nil {
			return nil, err
		}
		key, err := readReportFile("SEALBOOK_REPORT_KEY", c.ReportKey)
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
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		n.Stamp = &sign.Authority{URL: c.TSAURL, Roots: roots, Wait: maxReportStampWait, Client: client}
	}
	return n, nil
}

// mailer sends reports; nil when nothing is configured.
func mailer(c Config) (*mail.Sender, error) {
	if c.MailFrom == "" {
		if c.SendGridKeyFile != "" {
			return nil, usagef("SEALBOOK_SENDGRID_KEY_FILE is set and SEALBOOK_MAIL_FROM is not: mails need a sender")
		}
		return nil, nil
	}
	if c.SendGridKeyFile == "" {
		return nil, usagef("SEALBOOK_MAIL_FROM is set and SEALBOOK_SENDGRID_KEY_FILE is not: there is no account to send with")
	}
	key, err := readReportFile("SEALBOOK_SENDGRID_KEY_FILE", c.SendGridKeyFile)
	if err != nil {
		return nil, err
	}
	return &mail.Sender{Key: strings.TrimSpace(string(key)), From: c.MailFrom, FromName: c.MailName, BaseURL: c.SendGridURL}, nil
}

// maxReportFile bounds the files of these settings, in bytes.
const maxReportFile = 1 << 20

func readReportFile(name, file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxReportFile {
		err = errors.New("it is too large")
	}
	if err != nil {
		return nil, usagef("%s: %s", name, err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return content, nil
}
