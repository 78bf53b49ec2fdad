/** Whose certificate is refused by whom. */
import { expect, test } from "vitest";
import { tlsTrouble } from "../../src/base/tls-trouble.ts";

test.each([
  "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
  "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
  "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE",
  "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED",
  "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
])("an alert of the other side is about the certificate of this side: %s", (code) => {
  expect(tlsTrouble(code, "alert")).toMatch(
    /^TLS: the other side refuses the certificate of this side \(alert\): check --cert and --key/,
  );
});
