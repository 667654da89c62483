//! The schedules of one enterprise, in EventBridge Scheduler: its daily reminder, and the one look at what may sync unattended.
//! And the one of a reseller's digest.

use crate::domain::ids::{EnterpriseId, ResellerId};
use crate::domain::schedule::{WINDOW_MINUTES, daily_expression};
use crate::error::{Error, Result};
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::types::builders::FlexibleTimeWindowBuilder;
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, ScheduleState, Target};
use jiff::Timestamp;

/// How the names of the daily schedules begin.
const DAILY: &str = "reminder-";
/// The most schedules that EventBridge lists at once.
const LISTED: i32 = 100;

/// EventBridge Scheduler with the deployment's group, role and target.
#[derive(Clone, Debug)]
pub struct Scheduler {
    client: Client,
    group: String,
    role_arn: String,
    target_arn: String,
}

impl Scheduler {
    /// A scheduler over one client.
    #[must_use]
    pub fn new(client: Client, group: String, role_arn: String, target_arn: String) -> Self {
        Self {
            client,
            group,
            role_arn,
            target_arn,
        }
    }

    /// Sees to it that the enterprise has its daily schedule, at this hour of its time zone.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn ensure(&self, enterprise: &EnterpriseId, hour: i8, zone: &str) -> Result<()> {
        // The scheduled time makes each day's event tell itself apart from its own repetitions.
        let input = format!(r#"{{"enterprise":"{enterprise}","scheduled":"<aws.scheduler.scheduled-time>"}}"#);
        let window = FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Flexible)
            .maximum_window_in_minutes(WINDOW_MINUTES);
        let daily = Planned {
            name: name(enterprise),
            expression: daily_expression(enterprise, hour),
            zone,
            window,
            input,
        };
        self.put(daily).await
    }

    /// Sees to it that a reseller's digest has its schedule, at this hour of its zone.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn ensure_digest(&self, reseller: &ResellerId, hour: i8, zone: &str) -> Result<()> {
        let window = FlexibleTimeWindow::builder()
            .mode(FlexibleTimeWindowMode::Flexible)
            .maximum_window_in_minutes(WINDOW_MINUTES);
        let daily = Planned {
            name: digest_name(reseller),
            expression: format!("cron(0 {hour} * * ? *)"),
            zone,
            window,
            input: format!(r#"{{"digest":"{reseller}"}}"#),
        };
        self.put(daily).await
    }

    /// Sees to it that it has none.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn remove_digest(&self, reseller: &ResellerId) -> Result<()> {
        self.delete(digest_name(reseller)).await
    }

    /// Sees to it that the enterprise is looked at once, at this moment and at no other, for a sync that nobody signs in
    /// for. The schedule stays when it has fired: AWS would delete it at a time of its own, perhaps after the next look was
    /// planned under its name.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn look_at(&self, enterprise: &EnterpriseId, at: Timestamp) -> Result<()> {
        let input = format!(r#"{{"unattended":"{enterprise}","scheduled":"<aws.scheduler.scheduled-time>"}}"#);
        let once = Planned {
            name: look_name(enterprise),
            expression: format!("at({})", at.strftime("%Y-%m-%dT%H:%M:%S")),
            zone: "UTC",
            window: FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off),
            input,
        };
        self.put(once).await
    }

    /// A page of the enterprises that have a daily schedule, and where the next one begins. A hint: whoever acts on it reads
    /// the enterprise.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn scheduled(&self, from: Option<String>) -> Result<(Vec<EnterpriseId>, Option<String>)> {
        let page = self
            .client
            .list_schedules()
            .group_name(&self.group)
            .name_prefix(DAILY)
            .max_results(LISTED)
            .set_next_token(from)
            .send()
            .await
            .map_err(|error| Error::upstream("list the schedules", error))?;
        let named = page.schedules.iter().filter_map(|schedule| schedule.name());
        let found = named.filter_map(|name| name.strip_prefix(DAILY)?.parse().ok());
        Ok((found.collect(), page.next_token))
    }

    async fn put(&self, planned: Planned<'_>) -> Result<()> {
        let failed = |error: aws_sdk_scheduler::error::BuildError| Error::upstream("describe a schedule", error);
        let window = planned.window.build().map_err(failed)?;
        let target = Target::builder()
            .arn(&self.target_arn)
            .role_arn(&self.role_arn)
            .input(planned.input)
            .build()
            .map_err(failed)?;
        let created = self
            .client
            .create_schedule()
            .name(&planned.name)
            .group_name(&self.group)
            .schedule_expression(&planned.expression)
            .schedule_expression_timezone(planned.zone)
            .flexible_time_window(window.clone())
            .target(target.clone())
            .state(ScheduleState::Enabled)
            .send()
            .await;
        match created {
            Ok(_) => return Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conflict_exception()) => {}
            Err(error) => return Err(Error::upstream("create a schedule", error)),
        }
        // It exists: time or zone may have changed since.
        self.client
            .update_schedule()
            .name(&planned.name)
            .group_name(&self.group)
            .schedule_expression(&planned.expression)
            .schedule_expression_timezone(planned.zone)
            .flexible_time_window(window)
            .target(target)
            .state(ScheduleState::Enabled)
            .send()
            .await
            .map(drop)
            .map_err(|error| Error::upstream("update a schedule", error))
    }

    /// Sees to it that the enterprise has no daily schedule.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn remove(&self, enterprise: &EnterpriseId) -> Result<()> {
        self.delete(name(enterprise)).await
    }

    /// Sees to it that the enterprise is not looked at.
    ///
    /// # Errors
    /// `Upstream`.
    pub async fn look_away(&self, enterprise: &EnterpriseId) -> Result<()> {
        self.delete(look_name(enterprise)).await
    }

    async fn delete(&self, name: String) -> Result<()> {
        match self
            .client
            .delete_schedule()
            .name(name)
            .group_name(&self.group)
            .send()
            .await
        {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(Error::upstream("delete a schedule", error)),
        }
    }
}

/// A schedule to be.
struct Planned<'a> {
    name: String,
    expression: String,
    zone: &'a str,
    window: FlexibleTimeWindowBuilder,
    input: String,
}

/// The name of an enterprise's daily schedule.
#[must_use]
pub fn name(enterprise: &EnterpriseId) -> String {
    format!("{DAILY}{enterprise}")
}

/// The name of the schedule of a reseller's digest.
#[must_use]
pub fn digest_name(reseller: &ResellerId) -> String {
    format!("digest-{reseller}")
}

/// The name of the schedule of the one look at an enterprise.
#[must_use]
pub fn look_name(enterprise: &EnterpriseId) -> String {
    format!("unattended-{enterprise}")
}
