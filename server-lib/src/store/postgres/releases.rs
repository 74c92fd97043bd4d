//! To be replaced.
use crate::error::Error;
use crate::model::ids::{DeploymentId, ProjectId};
use crate::model::release::{
    Commit, Deployment, NewDeployment, NewRelease, Release, ReleaseChange,
};
use crate::store::query::{Page, ReleaseFilter};
use crate::store::{HealthFilter, HealthRow, Releases};
use async_trait::async_trait;

/// To be replaced.
#[derive(Debug)]
pub(super) struct PostgresReleases;

#[async_trait]
impl Releases for PostgresReleases {
    async fn find(&self, _: &[ProjectId], _: &str) -> Result<Vec<Release>, Error> {
        Err(super::issues::unready())
    }

    async fn list(&self, _: &ReleaseFilter, _: Page) -> Result<Vec<Release>, Error> {
        Err(super::issues::unready())
    }

    async fn put(&self, _: NewRelease) -> Result<(Release, bool), Error> {
        Err(super::issues::unready())
    }

    async fn update(&self, _: ProjectId, _: &str, _: ReleaseChange) -> Result<Release, Error> {
        Err(super::issues::unready())
    }

    async fn delete(&self, _: ProjectId, _: &str) -> Result<(), Error> {
        Err(super::issues::unready())
    }

    async fn commits(&self, _: ProjectId, _: &str) -> Result<Vec<Commit>, Error> {
        Err(super::issues::unready())
    }

    async fn deploy(&self, _: NewDeployment) -> Result<Deployment, Error> {
        Err(super::issues::unready())
    }

    async fn deployments(
        &self,
        _: &[ProjectId],
        _: Option<&str>,
        _: Page,
    ) -> Result<Vec<Deployment>, Error> {
        Err(super::issues::unready())
    }

    async fn deployment(&self, _: DeploymentId) -> Result<Option<Deployment>, Error> {
        Err(super::issues::unready())
    }

    async fn health(&self, _: &HealthFilter) -> Result<Vec<HealthRow>, Error> {
        Err(super::issues::unready())
    }
}
