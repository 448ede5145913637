// @auth0/mdl as issuer and device, and as verifier.

import mdl from "@auth0/mdl";
import { answer, fromBase64url, toBase64url } from "./job.mjs";

const { DeviceResponse, Document, MDoc, Verifier } = mdl;

/** Tag 24 on a byte string of at most 64 KiB: what this peer takes as a session transcript. */
function wrapped(transcript) {
  const size = transcript.length;
  const head = size < 24 ? [0x40 + size] : size < 256 ? [0x58, size] : [0x59, size >> 8, size & 255];
  return Buffer.from([0xd8, 0x18, ...head, ...transcript]);
}

const definition = (docType, show) => ({
  id: "request",
  input_descriptors: [{
    id: docType,
    format: { mso_mdoc: { alg: ["ES256"] } },
    constraints: {
      limit_disclosure: "required",
      fields: Object.entries(show).flatMap(([space, names]) =>
        names.map((name) => ({ path: [`$['${space}']['${name}']`], intent_to_retain: false }))),
    },
  }],
});

await answer({
  async present(job) {
    const building = new Document(job.doc_type);
    for (const [space, values] of Object.entries(job.elements)) building.addIssuerNameSpace(space, values);
    const document = await building
      .useDigestAlgorithm("SHA-256")
      .addValidityInfo({
        signed: new Date(job.signed * 1000),
        validFrom: new Date(job.signed * 1000),
        validUntil: new Date(job.valid_until * 1000),
      })
      .addDeviceKeyInfo({ deviceKey: job.device_public_jwk })
      .sign({ issuerPrivateKey: job.issuer_jwk, issuerCertificate: job.certificate, alg: "ES256" });
    const responding = DeviceResponse.from(new MDoc([document]))
      .usingPresentationDefinition(definition(job.doc_type, job.show))
      .usingSessionTranscriptBytes(wrapped(fromBase64url(job.transcript)));
    const response = job.reader_public
      ? responding.authenticateWithMAC(job.device_jwk, fromBase64url(job.reader_public), "HS256")
      : responding.authenticateWithSignature(job.device_jwk, "ES256");
    return { response: toBase64url((await response.sign()).encode()) };
  },

  async verify(job) {
    const verifier = new Verifier([job.root]);
    const found = await verifier.verify(Buffer.from(fromBase64url(job.response)), {
      encodedSessionTranscript: wrapped(fromBase64url(job.transcript)),
    });
    const claims = {};
    for (const [space, items] of Object.entries(found.documents[0].issuerSigned.nameSpaces))
      claims[space] = Object.fromEntries(items.map((item) => [item.elementIdentifier, item.elementValue]));
    return { claims };
  },
});
