//! Routes of the mirror, described from the tables by which their parameters
//! are read.

use std::sync::Arc;

use axum::routing::MethodRouter;
use utoipa::openapi::path::{
    Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Required, ResponseBuilder};

use super::Shared;
use super::openapi::{header, problem_answer};
use super::parameters::{self, MOST_ROWS};
use super::problem::Kind;
use super::routes::Routes;
use crate::mirror::Source;

/// Adds the list of a source, and its single rows.
pub(super) fn add(
    routes: Routes,
    source: Source,
    list: MethodRouter<Arc<Shared>>,
    one: MethodRouter<Arc<Shared>>,
) -> Routes {
    let name = source.name();
    routes
        .add_get(&format!("/v1/{name}"), list, || of_list(source))
        .add_get(&format!("/v1/{name}/{{id}}"), one, || of_one(source))
}

fn of_list(source: Source) -> Operation {
    let name = source.name().replace('_', " ");
    let known = parameters::of_lists(source);
    let operation = known
        .into_iter()
        .fold(OperationBuilder::new(), |operation, parameter| {
            operation.parameter(query(source, parameter))
        });
    let summary = format!("All {name}, or those that are asked for.");
    finish(
        operation,
        &summary,
        "The rows, with a `cursor` for the next `since`; a page behind the first has none, since rows of earlier pages may have changed by then: keep that of the first",
    )
}

fn of_one(source: Source) -> Operation {
    let name = source.name().replace('_', " ");
    let id = ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("What identifies the row"))
        .schema(Some(text()))
        .build();
    let operation = parameters::of_rows(source)
        .into_iter()
        .fold(OperationBuilder::new().parameter(id), |operation, name| {
            operation.parameter(query(source, name))
        });
    let kind = match source {
        Source::Class(_) => Kind::UnknownRow,
        _ => Kind::UnknownEntity,
    };
    let operation = operation.response("404", problem_answer(kind));
    finish(operation, &format!("One of the {name}."), "The row")
}

fn finish(operation: OperationBuilder, summary: &str, answer: &str) -> Operation {
    let json = ContentBuilder::new().build();
    let found = ResponseBuilder::new()
        .description(answer)
        .header("ETag", header("For `If-None-Match`"))
        .content("application/json", json)
        .build();
    let same = ResponseBuilder::new()
        .description("What `If-None-Match` named is still true")
        .header("ETag", header("The same as before"))
        .build();
    operation
        .tag("Read")
        .summary(Some(summary))
        .response("200", found)
        .response("304", same)
        .build()
}

/// One parameter of a source, as `parameters` reads it.
fn query(source: Source, name: &str) -> Parameter {
    let list = || ArrayBuilder::new().items(text());
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(meaning(name)));
    let parameter = match name {
        "limit" => parameter.schema(Some(
            ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::Integer))
                .minimum(Some(1))
                .maximum(Some(MOST_ROWS as f64)),
        )),
        "since" => parameter.schema(Some(text().pattern(Some("^[0-9a-f]{8}-[0-9]{1,15}$")))),
        // None is behind every row before the first.
        "after" => parameter.schema(Some(text().min_length(None))),
        "expand" => {
            let names = source.expansions().iter().map(|it| it.name());
            let names: Vec<&str> = names.collect();
            let one = text().enum_values((!names.is_empty()).then_some(names));
            parameter.schema(Some(ArrayBuilder::new().items(one)))
        }
        _ => parameter.schema(Some(list())),
    };
    parameter.explode(Some(true)).build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .min_length(Some(1))
}

fn meaning(name: &str) -> &'static str {
    match name {
        "fields" => "Only these members, such as `state,attributes.unit_of_measurement`",
        "expand" => "What belongs to each row, under `expanded`",
        "since" => "Only what changed since the cursor of an earlier answer",
        "limit" => "At most so many rows",
        "after" => "Only rows behind this one",
        "entity" | "id" => "Only these rows",
        "domain" => "Only rows of these domains",
        "glob" => "Only rows that match a pattern such as `sensor.*_power`",
        _ => "Only what belongs to it, by Home Assistant's rules for targets",
    }
}
