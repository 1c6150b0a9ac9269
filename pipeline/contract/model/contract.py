"""The whole contract: servers, one schema object, and documentation."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Tag

from pipeline.contract.model.base import Documented, Free, IntegerOrText, NonEmpty, Part, tag, told_apart_by
from pipeline.contract.model.custom import ObjectProperty, PlainProperty, ServerProperty
from pipeline.contract.model.properties import Property
from pipeline.contract.model.quality import ColumnQuality

Format = Literal["csv", "json", "parquet", "xlsx", "avro", "orc"]


class Server(Part):
    """What every server may say."""

    server: Annotated[NonEmpty, Field(description="The server's name, for people and other tools.")]
    id: Free = None
    description: Free = None
    environment: Free = None
    roles: Free = None


class SourceServer(Server):
    """Where the files come from and how they are written."""

    refused: ClassVar = {
        "endpointUrl": "set the environment variable AWS_ENDPOINT_URL",
        "compression": "it is recognised by the file's first bytes",
    }
    format: Annotated[
        Format, Field(description="The files' format. Compression is recognised by the files' first bytes.")
    ]
    delimiter: Annotated[
        NonEmpty | None,
        Field(
            description='csv: the one character between fields, default `,` (a tab is `"\\t"`). json: `new_line` '
            "or `array`, "
            "default: recognised."
        ),
    ] = None
    encoding: Annotated[NonEmpty | None, Field(description="csv, json: the character encoding. Default UTF-8.")] = None
    custom_properties: Annotated[
        list[ServerProperty] | None, Field(description="readOptions, missingValues, readSchema.")
    ] = None


class S3Server(SourceServer):
    """A bucket."""

    type: Annotated[Literal["s3"], Field(description="A bucket of S3.")]
    location: Annotated[
        NonEmpty,
        Field(
            description="`s3://bucket/key` where `*` matches within one level, `**` across levels and `?` one "
            "character; "
            "`name=*` levels are columns."
        ),
    ]


class LocalServer(SourceServer):
    """A directory."""

    type: Annotated[Literal["local"], Field(description="Local files.")]
    path: Annotated[NonEmpty, Field(description="The files' path, with the same wildcards as an S3 location.")]


class PostgresServer(Server):
    """Where the table is. Landfall connects to the database that its own settings name; host, port and database "
    "are for other tools."""

    type: Annotated[Literal["postgres", "postgresql"], Field(description="PostgreSQL.")]
    host: Annotated[str, Field(description="For other tools.")]
    port: Annotated[IntegerOrText, Field(description="For other tools.")]
    database: Annotated[str, Field(description="For other tools.")]
    schema_: Annotated[
        NonEmpty, Field(alias="schema", description="The schema of the target table; created if absent.")
    ]
    custom_properties: Annotated[list[PlainProperty] | None, Field(description="For other tools.")] = None


AnyServer = Annotated[
    Annotated[S3Server, Tag(tag("type", "s3"))]
    | Annotated[LocalServer, Tag(tag("type", "local"))]
    | Annotated[PostgresServer, Tag(tag("type", "postgres"))]
    | Annotated[PostgresServer, Tag(tag("type", "postgresql"))],
    told_apart_by("type"),
]


class SchemaObject(Documented):
    """The target table."""

    refused: ClassVar = {
        "relationships": "Landfall creates no foreign keys; create it in the database, where it survives every load",
        "primaryKey": "write primaryKey: true on the properties",
        "load": "write it as a custom property: customProperties: [{property: load, value: {...}}]",
        "mode": "write it in the custom property load",
    }
    name: Annotated[NonEmpty, Field(description="The table's name.")]
    physical_name: Annotated[
        NonEmpty | None, Field(description="The table's name in the database, if other than `name`.")
    ] = None
    physical_type: Annotated[Literal["table"] | None, Field(description="Landfall loads tables.")] = None
    logical_type: Annotated[Literal["object"] | None, Field(description="A table is an object.")] = None
    data_granularity_description: Free = None
    quality: Annotated[
        list[ColumnQuality] | None, Field(description="Rules over a row or over all rows of a load.")
    ] = None
    properties: Annotated[list[Property], Field(min_length=1, description="The columns, in order.")]
    custom_properties: Annotated[list[ObjectProperty] | None, Field(description="load.")] = None


class Contract(Part):
    """An Open Data Contract Standard v3.2 contract of one dataset: one kind of file, one target table."""

    refused: ClassVar = {
        "dataset": "ODCS v3 calls it schema",
        "models": "ODCS v3 calls it schema",
        "info": "ODCS v3 has id, version and status at the top",
        "quality": "write the rules on the schema object or on a property",
        "load": "write it as a custom property of the schema object",
        "type": "leave it out",
    }
    api_version: Annotated[
        Literal["v3.2.0", "v3.1.0", "v3.0.2", "v3.0.1", "v3.0.0"],
        Field(description="The version of the standard: v3.2.0."),
    ]
    kind: Annotated[Literal["DataContract"], Field(description="`DataContract`.")]
    id: Annotated[NonEmpty, Field(description="The dataset's id: it names the dataset in the ledger. Never change it.")]
    version: Annotated[NonEmpty, Field(description="The contract's own version.")]
    name: Free = None
    status: Free = None
    servers: Annotated[
        list[AnyServer], Field(min_length=1, description="One source (s3 or local) and one target (postgres).")
    ]
    schema_: Annotated[
        list[SchemaObject], Field(alias="schema", min_length=1, max_length=1, description="The target table.")
    ]
    description: Free = None
    domain: Free = None
    tenant: Free = None
    data_product: Free = None
    tags: Free = None
    context: Free = None
    team: Free = None
    roles: Free = None
    support: Free = None
    price: Free = None
    sla_properties: Free = None
    sla_default_element: Free = None
    authoritative_definitions: Free = None
    contract_created_ts: Free = None
    custom_properties: Annotated[list[PlainProperty] | None, Field(description="For other tools.")] = None

    @property
    def table(self) -> SchemaObject:
        """The only schema object."""
        return self.schema_[0]

    def server_indexes(self, *kinds: type[Any]) -> list[int]:
        """Where in `servers` the servers of these kinds are."""
        return [index for index, server in enumerate(self.servers) if isinstance(server, kinds)]
