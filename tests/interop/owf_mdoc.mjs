// @owf/mdoc as issuer and device, and as verifier; its cryptography is Node's own.

import { createHash, createHmac, createPrivateKey, createPublicKey, randomBytes, sign, verify, X509Certificate } from "node:crypto";
import {
  CoseKey, DeviceKey, DeviceRequest, DeviceResponse, DocRequest, Holder, Issuer, ItemsRequest,
  SessionTranscript, SignatureAlgorithm, Verifier,
} from "@owf/mdoc";
import { answer, fromBase64url, toBase64url } from "./job.mjs";

const publicKey = (key) => {
  const { d: _, ...jwk } = key.jwk;
  return createPublicKey({ key: { ...jwk, kty: "EC", crv: "P-256" }, format: "jwk" });
};
const fieldOf = (text, field) =>
  text.split("\n").filter((line) => line.startsWith(`${field}=`)).map((line) => line.slice(field.length + 1));

const context = {
  crypto: {
    random: (length) => new Uint8Array(randomBytes(length)),
    digest: ({ digestAlgorithm, bytes }) =>
      new Uint8Array(createHash(digestAlgorithm.replace("-", "").toLowerCase()).update(bytes).digest()),
    calculateEphemeralMacKey: () => { throw new Error("not tried"); },
  },
  cose: {
    sign1: {
      sign: ({ toBeSigned, key }) => new Uint8Array(sign("sha256", toBeSigned, {
        key: createPrivateKey({ key: { ...key.jwk, kty: "EC", crv: "P-256" }, format: "jwk" }),
        dsaEncoding: "ieee-p1363",
      })),
      verify: ({ key, sign1 }) =>
        verify("sha256", sign1.toBeSigned, { key: publicKey(key), dsaEncoding: "ieee-p1363" }, sign1.signature),
    },
    mac0: {
      sign: ({ key, toBeAuthenticated }) =>
        new Uint8Array(createHmac("sha256", key.k).update(toBeAuthenticated).digest()),
      verify: () => false,
    },
  },
  x509: {
    getIssuerNameField: ({ certificate, field }) => fieldOf(new X509Certificate(certificate).issuer, field),
    getPublicKey: ({ certificate }) =>
      CoseKey.fromJwk(new X509Certificate(certificate).publicKey.export({ format: "jwk" })),
    verifyCertificateChain: ({ trustedCertificates, x5chain }) => {
      const leaf = new X509Certificate(x5chain[0]);
      if (!trustedCertificates.some((der) => leaf.verify(new X509Certificate(der).publicKey)))
        throw new Error("the issuer is not trusted");
    },
    getCertificateData: ({ certificate }) => {
      const found = new X509Certificate(certificate);
      return {
        issuerName: found.issuer, subjectName: found.subject, serialNumber: found.serialNumber,
        thumbprint: found.fingerprint256, notBefore: new Date(found.validFrom),
        notAfter: new Date(found.validTo), pem: found.toString(),
      };
    },
  },
};

const transcriptOf = (job) => SessionTranscript.decode(fromBase64url(job.transcript));

await answer({
  async present(job) {
    const issuer = new Issuer(job.doc_type, context);
    for (const [space, values] of Object.entries(job.elements)) issuer.addIssuerNamespace(space, values);
    const issuerSigned = await issuer.sign({
      signingKey: CoseKey.fromJwk(job.issuer_jwk),
      algorithm: SignatureAlgorithm.ES256,
      digestAlgorithm: "SHA-256",
      validityInfo: {
        signed: new Date(job.signed * 1000),
        validFrom: new Date(job.signed * 1000),
        validUntil: new Date(job.valid_until * 1000),
      },
      deviceKeyInfo: { deviceKey: DeviceKey.fromJwk(job.device_public_jwk) },
      certificates: [new Uint8Array(new X509Certificate(job.certificate).raw)],
    });
    const namespaces = Object.fromEntries(Object.entries(job.show).map(
      ([space, names]) => [space, Object.fromEntries(names.map((name) => [name, false]))]));
    const deviceRequest = DeviceRequest.create({
      docRequests: [DocRequest.create({ itemsRequest: ItemsRequest.create({ docType: job.doc_type, namespaces }) })],
    });
    const response = await Holder.createDeviceResponseForDeviceRequest({
      deviceRequest,
      sessionTranscript: transcriptOf(job),
      issuerSigned: [issuerSigned],
      signature: { signingKey: CoseKey.fromJwk({ ...job.device_jwk, alg: "ES256" }) },
    }, context);
    return { response: toBase64url(response.encode()) };
  },

  async verify(job) {
    const deviceResponse = DeviceResponse.decode(fromBase64url(job.response));
    await Verifier.verifyDeviceResponse({
      deviceResponse,
      sessionTranscript: transcriptOf(job),
      trustedCertificates: [new Uint8Array(new X509Certificate(job.root).raw)],
      now: new Date(job.now * 1000),
    }, context);
    const claims = {};
    for (const [space, items] of deviceResponse.documents[0].issuerSigned.issuerNamespaces.issuerNamespaces)
      claims[space] = Object.fromEntries(items.map((item) => [item.elementIdentifier, item.elementValue]));
    return { claims };
  },
});
