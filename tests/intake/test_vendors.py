"""What each vendor sends, and what its preset makes of it."""

import json
from datetime import UTC, datetime
from typing import Final

import pytest

from service.intake.outbound_message import ACKNOWLEDGED
from service.intake.payloads import Unreadable, read_payload
from service.intake.presets import PRESETS, PresetName
from service.intake.reading import Erasure, Own, Said, Skipped
from tests.intake.mapped import HUBSPOT, event, kinds, map_of, only, read, whys
from tests.real_data.shared import shared_file


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_map_and_a_scheme(name: PresetName) -> None:
    """What is shipped can be used as it is."""
    assert map_of(name).system


def test_a_property_event_says_one_thing_of_one_company_at_its_time() -> None:
    """HubSpot's event names the property; its time is in milliseconds, its id a number."""
    said = only([event()], HUBSPOT)
    assert said.facts == {"vehicles": "250"}
    assert said.identity == ("hubspot", "998877")
    assert said.key == "hubspot-998877"
    assert said.at == datetime(2026, 1, 1, tzinfo=UTC)
    assert said.is_partial


def test_an_emptied_property_takes_the_attribute_back() -> None:
    """An empty text or null is a word on it; a property that is not there is none."""
    for value in ("", None):
        assert only([event(propertyValue=value)], HUBSPOT).facts == {"vehicles": None}
    whole = {"companyId": 7, "properties": {"name": {"value": "x"}}}
    assert whys(read(whole, HUBSPOT)) == ["nothing_to_read"]


def test_either_name_of_the_type_is_read_and_an_attempt_makes_no_other_event() -> None:
    """`eventType` is what one page prints; a retry differs in `attemptNumber` alone."""
    renamed = event(eventType="company.propertyChange")
    del renamed["subscriptionType"]
    again = event(attemptNumber=3, eventId=77)
    first, second, third = read([event(), again, renamed], HUBSPOT)
    assert isinstance(first, Said)
    assert isinstance(second, Said)
    assert isinstance(third, Said)
    assert first.event == second.event == third.event
    assert only([event(propertyValue="251")], HUBSPOT).event != first.event


def test_the_generic_events_name_their_object_by_number() -> None:
    """`object.propertyChange` of `0-2` is a company."""
    generic = event(subscriptionType="object.propertyChange", objectTypeId="0-2")
    assert only([generic], HUBSPOT).kind == "company"


def test_a_privacy_deletion_is_a_request_to_forget() -> None:
    """It names the contact, and nothing else of the batch is lost."""
    gone = event(subscriptionType="contact.privacyDeletion", objectId=1246965)
    erasure, said = read([gone, event()], HUBSPOT)
    assert isinstance(erasure, Erasure)
    assert erasure.identities == (("hubspot", "1246965"),)
    assert isinstance(said, Said)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"subscriptionType": "deal.propertyChange"}, "no_kind"),
        ({"subscriptionType": "company.associationChange", "objectId": None}, "no_kind"),
        ({"subscriptionType": "company.deletion"}, "deleted"),
        ({"propertyName": "icp_outcome"}, "our_own"),
        ({"sourceId": "4711"}, "our_own"),
        ({"objectId": None}, "no_id"),
        ({"objectId": "x" * 201}, "no_id"),
        ({"objectId": "a/b"}, "bad_key"),
        ({"occurredAt": "soon"}, "bad_instant"),
        ({"occurredAt": 10**18}, "bad_instant"),
        ({"occurredAt": True}, "bad_instant"),
        ({"propertyValue": {"a": 1}}, "not_a_value"),
        ({"propertyValue": [[1]]}, "not_a_value"),
        ({"propertyValue": "x" * 8193}, "not_a_value"),
    ],
)
def test_what_is_not_for_us_is_left_and_what_cannot_be_read_says_why(
    told: dict[str, object], why: str
) -> None:
    """A bad item is reported alone; its neighbour in the batch is read."""
    own = Own(properties=frozenset({"icp_outcome"}), author="4711")
    found = read([event(**told), event(objectId=5)], HUBSPOT, own)
    assert whys(found) == [why, "said"]


def test_our_own_properties_are_never_read_as_news() -> None:
    """Of a whole object that holds what we wrote, the rest is read."""
    own = Own(properties=frozenset({"icp_outcome"}))
    document = map_of(
        "hubspot", kinds=kinds(company={"verdict": "fields.icp_outcome", "n": "fields.n"})
    )
    whole = {
        "companyId": 7,
        "properties": {"icp_outcome": {"value": "qualify"}, "n": {"value": "1"}},
    }
    assert only(whole, document, own).facts == {"n": "1"}


def test_a_custom_action_brings_its_object() -> None:
    """The block in a workflow sends the properties it was told to."""
    sent = {
        "callbackId": "ap-1",
        "object": {"objectId": 614, "objectType": "CONTACT", "properties": {"email": "a@acme.io"}},
    }
    said = only(sent, HUBSPOT)
    assert (said.facts, said.identity) == ({"email": "a@acme.io"}, ("hubspot", "614"))
    assert not said.is_partial


def test_pipedrive_organizations_are_read_with_their_custom_fields() -> None:
    """A custom field is an object whose inside differs by type; a deletion is none of our news."""
    document = map_of(
        "pipedrive",
        kinds=kinds(organization={"vehicles": "fields.d292", "name": "fields.name"}),
    )
    meta = {"action": "change", "entity": "organization", "entity_id": "746", "id": "8818"}
    meta |= {"timestamp": "2026-05-27T06:54:41.426Z", "user_id": "7", "change_source": "app"}
    data = {
        "id": 746,
        "name": "Acme",
        "custom_fields": {"d292": {"type": "varchar", "value": "51"}},
    }
    said = only({"meta": meta, "data": data, "previous": {}}, document)
    assert said.facts == {"vehicles": "51", "name": "Acme"}
    assert said.at == datetime(2026, 5, 27, 6, 54, 41, 426000, tzinfo=UTC)
    seconds = {"meta": {**meta, "timestamp": "1779864881"}, "data": data}
    assert only(seconds, document).at == datetime(2026, 5, 27, 6, 54, 41, tzinfo=UTC)
    ours = {"meta": {**meta, "change_source": "api"}, "data": data}
    assert whys(read(ours, document, Own(author="7"))) == ["our_own"]
    assert whys(read({"meta": {**meta, "action": "delete"}, "data": None}, document)) == ["deleted"]


def test_a_typeform_response_is_a_lead_with_every_type_of_answer() -> None:
    """Answers are found by `ref`; false and 0 are answers too, and choices are texts."""
    refs = ("work_email", "company_size", "sites", "consent", "employees")
    document = map_of("typeform", kinds=kinds(response={ref: f"fields.{ref}" for ref in refs}))
    answers: list[dict[str, object]] = [
        {"type": "email", "email": "a@acme.io", "field": {"ref": "work_email"}},
        {"type": "choice", "choice": {"label": "51-200"}, "field": {"ref": "company_size"}},
        {"type": "choices", "choices": {"labels": ["Berlin"]}, "field": {"ref": "sites"}},
        {"type": "boolean", "boolean": False, "field": {"ref": "consent"}},
        {"type": "number", "number": 0, "field": {"ref": "employees"}},
    ]
    form = {"token": "a3a1", "submitted_at": "2026-01-18T18:17:02Z", "answers": answers}
    said = only({"event_type": "form_response", "form_response": form}, document)
    assert said.facts == {
        "work_email": "a@acme.io",
        "company_size": "51-200",
        "sites": ["Berlin"],
        "consent": False,
        "employees": 0,
    }
    assert said.key == "a3a1"
    partial = {"event_type": "form_response_partial", "form_response": form}
    assert whys(read(partial, document)) == ["no_kind"]


def test_a_response_that_typeform_published_is_read() -> None:
    """A real small response, inside the envelope in which webhooks carry it."""
    form = json.loads(
        shared_file("webhooks", "typeform_form_response_small.json").read_text("utf-8")
    )
    ref = form["answers"][0]["field"]["ref"]
    document = map_of("typeform", kinds=kinds(response={"choice": f'fields."{ref}"'}))
    said = only({"event_type": "form_response", "form_response": form}, document)
    assert said.facts == {"choice": "Choice 1"}


def test_a_contact_that_hubspot_published_is_read() -> None:
    """Of a real object, the properties that are null are words too."""
    told = json.loads(shared_file("webhooks", "hubspot_contact_object.json").read_text("utf-8"))
    document = map_of(
        "hubspot", kinds=kinds(contact={"title": "fields.jobtitle", "city": "fields.state"})
    )
    said = only({"vid": told["id"], "properties": told["properties"]}, document)
    assert said.facts == {"title": "Salesperson", "city": None}


def test_tally_choices_are_read_as_the_texts_people_saw() -> None:
    """An answer holds the ids of options; one choice is a text, several are a list."""
    document = map_of(
        "tally", kinds=kinds(response={"size": "fields.Size", "sites": "fields.question_t"})
    )
    options = [{"id": "o1", "text": "1-10"}, {"id": "o2", "text": "51-200"}]
    fields = [
        {"key": "question_s", "label": "Size", "value": ["o2"], "options": options},
        {"key": "question_t", "label": "Sites", "value": ["o1", "o2"], "options": options},
    ]
    sent = {"eventId": "e", "eventType": "FORM_RESPONSE", "createdAt": "2026-01-01T00:00:00.000Z"}
    said = only(sent | {"data": {"responseId": "r1", "fields": fields}}, document)
    assert said.facts == {"size": "51-200", "sites": ["1-10", "51-200"]}


def test_segment_tells_of_companies_of_people_and_of_whom_to_forget() -> None:
    """A batch holds all three kinds."""
    document = map_of(
        "segment",
        kinds=kinds(group={"vehicles": "traits.employees"}, identify={"email": "traits.email"}),
    )
    found = read(
        [
            {"type": "group", "groupId": "0e8c", "traits": {"employees": 329}, "messageId": "1"},
            {
                "type": "identify",
                "userId": "u1",
                "traits": {"email": "a@acme.io"},
                "messageId": "2",
            },
            {"type": "track", "event": "Demo Requested", "userId": "u1", "messageId": "3"},
            {"type": "delete", "userId": "u1", "messageId": "4"},
        ],
        document,
    )
    assert [type(one) for one in found] == [Said, Said, Skipped, Erasure]


SOAP: Final = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
 <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>00D5g000004AbCdEAK</OrganizationId><ActionId>04k</ActionId>
  <SessionId>secret!</SessionId><Notification><Id>04l5g00000QwErTAAV</Id>
   <sObject xsi:type="sf:Account" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
    <sf:Id>0015g00000LmNoPEAV</sf:Id><sf:Name>Acme</sf:Name><sf:Fax xsi:nil="true"/>
    <sf:NumberOfEmployees>250</sf:NumberOfEmployees></sObject></Notification>
  <Notification><Id>04lgone</Id></Notification>
 </notifications></soapenv:Body></soapenv:Envelope>"""


def test_an_outbound_message_is_read_and_its_session_never_is() -> None:
    """Records become items by their type; one that was deleted meanwhile has nothing to read."""
    payload = read_payload(SOAP.encode(), media_type="text/xml", form="outbound_message")
    assert "secret" not in str(payload)
    attributes: dict[str, object] = {"vehicles": "fields.NumberOfEmployees", "fax": "fields.Fax"}
    document = map_of(
        "salesforce",
        accept="starts_with(organization_id, '00D5g000004AbCd')",
        kinds=kinds(account=attributes),
    )
    said, gone = read(payload, document)
    assert isinstance(said, Said)
    assert said.facts == {"vehicles": "250", "fax": None}
    assert said.identity == ("salesforce", "0015g00000LmNoPEAV")
    assert whys([gone]) == ["no_kind"]
    other = map_of("salesforce", accept="organization_id == 'x'", kinds=kinds(account=attributes))
    assert whys(read(payload, other)) == ["not_accepted"]


def test_the_answer_to_an_outbound_message_is_salesforces_own() -> None:
    """Its root is `notificationsResponse`; any other answer is sent again for a day."""
    assert b"<notificationsResponse xmlns=" in ACKNOWLEDGED
    assert b"<Ack>true</Ack>" in ACKNOWLEDGED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a/>",
        b"{}",
        b"\xff\xfe",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        SOAP.replace("notifications ", "notification ").encode(),
        SOAP.replace("soapenv:Body", "soapenv:Header").encode(),
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
    ],
)
def test_other_xml_is_no_outbound_message(body: bytes) -> None:
    """Entities are refused, and so is whatever else is not what Salesforce sends."""
    with pytest.raises(Unreadable):
        read_payload(body, media_type="text/xml", form="outbound_message")
